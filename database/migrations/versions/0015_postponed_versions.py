"""postponed versions"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('policy_version', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('one_announced'), sqlite_where=sa.text("state = 'announced'"))
        batch_op.create_index('one_to_come', ['policy_id'], unique=True, sqlite_where=sa.text("state = 'announced' OR state = 'postponed'"), postgresql_where=sa.text("state = 'announced' OR state = 'postponed'"))

