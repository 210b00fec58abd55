"""each right of a request has a decision and an outcome of its own"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

# A request asked for one right until now, which takes over its id: no other right has it.
THE_RIGHT_OF_EACH = """
    INSERT INTO requested_right
        (id, request_id, kind, due_at, rule, state, decision_id, outcome, decided_at)
    SELECT id, id, kind, due_at, rule, CASE WHEN decision_id IS NULL THEN 'open' ELSE 'decided' END,
        decision_id, outcome, answered_at
    FROM data_subject_request
"""
# Of those not answered, what took effect last waits for its second person.
WHAT_WAITS = """
    UPDATE requested_right SET state = 'review', decision_id = (
        SELECT d.id FROM request_decision d
        WHERE d.request_id = requested_right.id AND d.recorded_at IS NOT NULL
        ORDER BY d.recorded_at DESC, d.decided_at DESC LIMIT 1
    )
    WHERE state = 'open' AND EXISTS (
        SELECT 1 FROM request_decision d
        WHERE d.request_id = requested_right.id AND d.recorded_at IS NOT NULL
    )
"""


def upgrade() -> None:
    op.create_table('requested_right',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('due_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('rule', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('decision_id', sa.Uuid(), nullable=True),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('decided_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['request_id'], ['data_subject_request.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('request_id', 'kind')
    )
    with op.batch_alter_table('requested_right', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_requested_right_request_id'), ['request_id'], unique=False)
    op.execute(THE_RIGHT_OF_EACH)
    op.execute(WHAT_WAITS)

    with op.batch_alter_table('request_decision', schema=None) as batch_op:
        batch_op.add_column(sa.Column('right_id', sa.Uuid(), nullable=True))
    op.execute('UPDATE request_decision SET right_id = request_id')
    with op.batch_alter_table('request_decision', schema=None) as batch_op:
        batch_op.alter_column('right_id', existing_type=sa.Uuid(), nullable=False)
        batch_op.drop_index(batch_op.f('ix_request_decision_request_id'))
        batch_op.drop_column('request_id')
        batch_op.create_index(batch_op.f('ix_request_decision_right_id'), ['right_id'], unique=False)
        batch_op.create_foreign_key('request_decision_right_id_fkey', 'requested_right', ['right_id'], ['id'])

    with op.batch_alter_table('data_subject_request', schema=None) as batch_op:
        batch_op.drop_column('kind')
        batch_op.drop_column('decision_id')
