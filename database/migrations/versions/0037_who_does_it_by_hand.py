"""what somebody does by hand knows whose role it is, and when they hear of it again"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0037'
down_revision = '0036'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('source_task', 'instructed_task'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('assigned_role', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        # Whoever was given it before is of privacy, and hears of it when it is looked at next.
        op.execute(
            f"UPDATE {table} SET assigned_role = 'privacy', next_try_at = created_at WHERE state = 'by_hand'"
        )
