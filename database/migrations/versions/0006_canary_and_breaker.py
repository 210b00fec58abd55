"""Canary and breaker"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('campaign', schema=None) as batch_op:
        batch_op.add_column(sa.Column('canary', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('canary_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('canary_ended_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))

    # Whoever is mailed already gets no canary afterwards.
    op.execute("UPDATE campaign SET canary = 0 WHERE audience_frozen_at IS NOT NULL")

    with op.batch_alter_table('control_act', schema=None) as batch_op:
        batch_op.alter_column('staff_id', existing_type=sa.Uuid(), nullable=True)

    with op.batch_alter_table('mail_attempt', schema=None) as batch_op:
        batch_op.add_column(sa.Column('subject_id', sa.Uuid(), nullable=True))
        batch_op.create_index('mail_attempt_subject', ['subject_id', 'started_at'], unique=False)
