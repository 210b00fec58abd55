"""events of versions and of decisions about them"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.add_column(sa.Column('policy_version_id', sa.Uuid(), nullable=True))
        batch_op.alter_column('account_id', existing_type=sa.Uuid(), nullable=True)
