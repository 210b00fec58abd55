"""laws that require what would else need approval"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('legal_requirement',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('finding_id', sa.Uuid(), nullable=False),
    sa.Column('citation', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('sentence', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('cited_by', sa.Uuid(), nullable=False),
    sa.Column('cited_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('agreed_by', sa.Uuid(), nullable=True),
    sa.Column('agreed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('dropped_by', sa.Uuid(), nullable=True),
    sa.Column('dropped_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('inherited_from', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['agreed_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['cited_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['dropped_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['finding_id'], ['finding.id'], ),
    sa.ForeignKeyConstraint(['inherited_from'], ['legal_requirement.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('legal_requirement', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_legal_requirement_finding_id'), ['finding_id'], unique=False)
        batch_op.create_index('legal_requirement_standing', ['finding_id'], unique=True, sqlite_where=sa.text('dropped_at IS NULL'), postgresql_where=sa.text('dropped_at IS NULL'))

    op.create_table('legal_sentence',
    sa.Column('requirement_id', sa.Uuid(), nullable=False),
    sa.Column('language', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('sentence', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('edited_by', sa.Uuid(), nullable=False),
    sa.Column('edited_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['edited_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['requirement_id'], ['legal_requirement.id'], ),
    sa.PrimaryKeyConstraint('requirement_id', 'language')
    )
