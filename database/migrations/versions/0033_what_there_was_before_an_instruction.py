"""instructed tasks know what a source had before it erased"""

import sqlalchemy as sa
from alembic import op

revision = '0033'
down_revision = '0032'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('instructed_task', schema=None) as batch_op:
        batch_op.add_column(sa.Column('found', sa.JSON(), nullable=True))
