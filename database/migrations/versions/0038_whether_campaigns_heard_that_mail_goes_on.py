"""whether campaigns heard that all mail goes on

Those of long ago have looked by themselves since.
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = '0038'
down_revision = '0037'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('mail_stop', schema=None) as batch_op:
        batch_op.add_column(sa.Column('heard_at', UTCDateTime(), nullable=True))
    op.execute("UPDATE mail_stop SET heard_at = started_at")
