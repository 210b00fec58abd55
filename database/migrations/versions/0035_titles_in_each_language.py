"""a policy's title stands in each language that legal wrote it in"""

import sqlalchemy as sa
from alembic import op

revision = '0035'
down_revision = '0034'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('policy', schema=None) as batch_op:
        batch_op.add_column(sa.Column('titles', sa.JSON(), nullable=False, server_default='{}'))
    with op.batch_alter_table('policy', schema=None) as batch_op:
        batch_op.alter_column('titles', server_default=None)
