"""what was said of accounts before is kept when it is said again; answers that count no more are marked"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0036'
down_revision = '0035'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'earlier_stage',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('said', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column('begun_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column('over_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['account_id'], ['account.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_earlier_stage_account_id', 'earlier_stage', ['account_id'])
    with op.batch_alter_table('campaign_addressee', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('unheard_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True)
        )
    op.create_index(
        'unheard_addressee',
        'campaign_addressee',
        ['account_id'],
        sqlite_where=sa.text('unheard_until IS NOT NULL'),
        postgresql_where=sa.text('unheard_until IS NOT NULL'),
    )
