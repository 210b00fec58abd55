"""reclassified versions"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('reclassification',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('was', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.Column('proposed_by', sa.Uuid(), nullable=False),
    sa.Column('proposed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('confirmed_by', sa.Uuid(), nullable=True),
    sa.Column('confirmed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('dropped_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['confirmed_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_version.id'], ),
    sa.ForeignKeyConstraint(['proposed_by'], ['staff.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('reclassification', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reclassification_policy_version_id'), ['policy_version_id'], unique=False)
        batch_op.create_index('reclassification_open', ['policy_version_id'], unique=True, sqlite_where=sa.text('confirmed_at IS NULL AND dropped_at IS NULL'), postgresql_where=sa.text('confirmed_at IS NULL AND dropped_at IS NULL'))

    # The database gave the constraint its name, which on SQLite is none.
    named = {'uq': '%(table_name)s_%(column_0_name)s_key'}
    with op.batch_alter_table('campaign', schema=None, naming_convention=named) as batch_op:
        batch_op.add_column(sa.Column('asks_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('reclassified_id', sa.Uuid(), nullable=True))
        batch_op.create_foreign_key('campaign_reclassified', 'reclassification', ['reclassified_id'], ['id'])
        batch_op.drop_constraint('campaign_policy_version_id_key', type_='unique')
        batch_op.create_unique_constraint('campaign_generation', ['policy_version_id', 'generation'])

    with op.batch_alter_table('finding', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reclassified_id', sa.Uuid(), nullable=True))
        batch_op.create_foreign_key('finding_reclassified', 'reclassification', ['reclassified_id'], ['id'])
