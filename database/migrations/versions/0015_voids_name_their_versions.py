"""voids name their versions"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('voided_version',
    sa.Column('correction_id', sa.Uuid(), nullable=False),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['correction_id'], ['campaign_correction.id'], ),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_version.id'], ),
    sa.PrimaryKeyConstraint('correction_id', 'policy_version_id')
    )
    with op.batch_alter_table('voided_version', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_voided_version_policy_version_id'), ['policy_version_id'], unique=False)
    op.execute(
        "INSERT INTO voided_version (correction_id, policy_version_id)"
        " SELECT campaign_correction.id, campaign.policy_version_id FROM campaign_correction"
        " JOIN campaign ON campaign.id = campaign_correction.campaign_id"
        " WHERE campaign_correction.decisions = 'void'"
        " AND campaign_correction.confirmed_at IS NOT NULL"
    )
