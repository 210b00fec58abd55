"""corrections know their words"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

_OF_EVERYBODY = (
    "SELECT correction_id, policy_version_id FROM voided_version"
    " UNION SELECT campaign_correction.id, policy_version.id FROM campaign_correction"
    " JOIN campaign ON campaign.id = campaign_correction.campaign_id"
    " JOIN policy_version ON policy_version.id = campaign.policy_version_id"
    " OR policy_version.corrected_by_id = campaign.policy_version_id"
    " WHERE NOT EXISTS (SELECT 1 FROM voided_version"
    " WHERE voided_version.correction_id = campaign_correction.id)"
)


def upgrade() -> None:
    wrong_words = op.create_table('wrong_words',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('correction_id', sa.Uuid(), nullable=False),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('base_version_id', sa.Uuid(), nullable=True),
    sa.Column('language', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['base_version_id'], ['policy_version.id'], ),
    sa.ForeignKeyConstraint(['correction_id'], ['campaign_correction.id'], ),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_version.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('wrong_words', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_wrong_words_correction_id'), ['correction_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_wrong_words_policy_version_id'), ['policy_version_id'], unique=False)
    # Until now a correction was about all that was mailed.
    rows = op.get_bind().execute(
        sa.text(_OF_EVERYBODY).columns(correction_id=sa.Uuid(), policy_version_id=sa.Uuid())
    )
    op.bulk_insert(wrong_words, [{'id': uuid4(), **row} for row in rows.mappings()])
    op.drop_table('voided_version')
    with op.batch_alter_table('campaign_correction', schema=None) as batch_op:
        batch_op.add_column(sa.Column('people', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('voided', sa.Integer(), nullable=True))
    with op.batch_alter_table('consent_decision', schema=None) as batch_op:
        batch_op.add_column(sa.Column('shown_from_version_id', sa.Uuid(), nullable=True))
        batch_op.create_foreign_key('consent_decision_shown_from', 'policy_version', ['shown_from_version_id'], ['id'])
    op.execute(
        "UPDATE consent_decision SET shown_from_version_id ="
        " (SELECT campaign_addressee.governing_version_id FROM campaign_addressee"
        " JOIN link ON link.subject_id = campaign_addressee.id"
        " WHERE link.id = consent_decision.link_id)"
    )
