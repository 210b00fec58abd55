"""tombstones of instructions, which are about one source"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0030'
down_revision = '0029'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('tombstone', schema=None) as batch_op:
        batch_op.add_column(sa.Column('source', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    with op.batch_alter_table('tombstone', schema=None) as batch_op:
        batch_op.alter_column('source', server_default=None)
