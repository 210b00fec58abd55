"""Not reached"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('missed_notice',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=True),
    sa.Column('reached_how', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('reached_reason', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('reached_by', sa.Uuid(), nullable=True),
    sa.Column('reached_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ),
    sa.ForeignKeyConstraint(['owner_id'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['reached_by'], ['staff.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('campaign_id', 'account_id')
    )
    with op.batch_alter_table('missed_notice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_missed_notice_account_id'), ['account_id'], unique=False)
