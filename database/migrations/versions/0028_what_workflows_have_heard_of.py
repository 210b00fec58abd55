"""what workflows have heard of"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0028'
down_revision = '0027'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('control_act', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('heard_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True)
        )
    # What was decided before is looked at anyway when a workflow's next timer fires.
    op.execute('UPDATE control_act SET heard_at = acted_at WHERE staff_id IS NOT NULL')
