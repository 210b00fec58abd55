"""how requests end"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('proposed_end',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('proposed_by', sa.Uuid(), nullable=False),
    sa.Column('proposed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('confirmed_by', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['confirmed_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['proposed_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['request_id'], ['data_subject_request.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('proposed_end', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_proposed_end_request_id'), ['request_id'], unique=False)

    op.create_table('estate_authority',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('who', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('proof', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('recorded_by', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('confirmed_by', sa.Uuid(), nullable=True),
    sa.Column('confirmed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['confirmed_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['recorded_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['request_id'], ['data_subject_request.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('estate_authority', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_estate_authority_request_id'), ['request_id'], unique=False)

    with op.batch_alter_table('data_subject_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('duplicate_of_id', sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column('is_appeal', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_constraint('data_subject_request_follows_once', type_='unique')
        batch_op.create_unique_constraint('data_subject_request_follows_once', ['follows_id', 'is_appeal'])
        batch_op.create_foreign_key('data_subject_request_duplicate', 'data_subject_request', ['duplicate_of_id'], ['id'], ondelete='SET NULL')

