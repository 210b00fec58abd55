"""instructions of controllers know our account, and not our id as theirs; requests find their duplicates"""

import sqlalchemy as sa
from alembic import op

revision = '0031'
down_revision = '0030'
branch_labels = None
depends_on = None

# Of a request it was our own id that was noted as the controller's.
WHO_IT_IS_ABOUT = """
    UPDATE controller_instruction SET account_id = (
        SELECT account_id FROM data_subject_request
        WHERE data_subject_request.id = controller_instruction.request_id
    ) WHERE request_id IS NOT NULL
"""
NOT_OUR_ID = """
    UPDATE controller_instruction SET external_id = '' WHERE external_id = (
        SELECT external_id FROM account WHERE account.id = controller_instruction.account_id
    )
"""


def upgrade() -> None:
    with op.batch_alter_table('controller_instruction', schema=None) as batch_op:
        batch_op.add_column(sa.Column('account_id', sa.Uuid(), nullable=True))
        batch_op.create_foreign_key('controller_instruction_account', 'account', ['account_id'], ['id'])
        batch_op.create_index(batch_op.f('ix_controller_instruction_account_id'), ['account_id'], unique=False)
    op.create_index(
        'ix_data_subject_request_duplicate_of_id', 'data_subject_request', ['duplicate_of_id'], unique=False
    )
    op.execute(WHO_IT_IS_ABOUT)
    op.execute(NOT_OUR_ID)
