"""what a source is asked after an answer that could not be right is another call"""

import sqlalchemy as sa
from alembic import op

revision = '0039'
down_revision = '0038'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('source_task', 'instructed_task'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('answers', sa.Integer(), server_default='0', nullable=False))
