"""consents on wrong words"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None

# What two people have voided stays void: until now that was every consent of whoever read it.
KEEP_VOID = """
INSERT INTO wrong_purpose (wrong_words_id, purpose)
SELECT DISTINCT wrong_words.id, consent_decision.purpose
FROM wrong_words
JOIN consent_decision ON consent_decision.policy_version_id = wrong_words.policy_version_id
WHERE wrong_words.language IS NOT NULL
"""


def upgrade() -> None:
    op.create_table('wrong_purpose',
    sa.Column('wrong_words_id', sa.Uuid(), nullable=False),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['wrong_words_id'], ['wrong_words.id'], ),
    sa.PrimaryKeyConstraint('wrong_words_id', 'purpose')
    )
    op.execute(KEEP_VOID)
