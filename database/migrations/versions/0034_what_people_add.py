"""what people tell us later about a request"""

import sqlalchemy as sa
from alembic import op

revision = '0034'
down_revision = '0033'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'request_addition',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('request_id', sa.Uuid(), nullable=False),
        sa.Column('words', sa.String(), nullable=False),
        sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['request_id'], ['data_subject_request.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_request_addition_request_id', 'request_addition', ['request_id'], unique=False)
