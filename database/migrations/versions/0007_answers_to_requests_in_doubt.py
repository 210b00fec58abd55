"""answers to requests in doubt"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('mail_attempt', schema=None) as batch_op:
        batch_op.add_column(sa.Column('answered', sa.Integer(), nullable=True))
