"""replaced versions"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('policy_version', schema=None) as batch_op:
        batch_op.add_column(sa.Column('replaced_by_id', sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column('corrected_by_id', sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f('ix_policy_version_corrected_by_id'), ['corrected_by_id'], unique=False)
        batch_op.create_foreign_key('policy_version_corrected_by', 'policy_version', ['corrected_by_id'], ['id'])
        batch_op.create_foreign_key('policy_version_replaced_by', 'policy_version', ['replaced_by_id'], ['id'])

