"""what events and steps are about"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.add_column(sa.Column('policy_version_id', sa.Uuid(), nullable=True))
        batch_op.alter_column('account_id', existing_type=sa.Uuid(), nullable=True)
        batch_op.create_index('event_settled', ['settled_at'], unique=False)

    with op.batch_alter_table('alarm', schema=None) as batch_op:
        batch_op.create_index('alarm_settled', ['settled_at'], unique=False)

    with op.batch_alter_table('campaign_step', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('effect_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True)
        )
