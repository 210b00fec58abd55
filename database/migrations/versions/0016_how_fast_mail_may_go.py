"""How fast mail may go"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('mail_bucket',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('paid_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('subject_id')
    )
    op.create_table('mail_slowdown',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('in_effect', sa.Boolean(), nullable=True),
    sa.Column('began_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('slowed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('held_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('rate', sa.Integer(), nullable=False),
    sa.Column('peak', sa.Integer(), nullable=False),
    sa.Column('ended_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('in_effect')
    )
    with op.batch_alter_table('campaign', schema=None) as batch_op:
        batch_op.add_column(sa.Column('per_minute', sa.Integer(), nullable=True))

    with op.batch_alter_table('control_act', schema=None) as batch_op:
        batch_op.add_column(sa.Column('per_minute', sa.Integer(), nullable=True))

    with op.batch_alter_table('mail_attempt', schema=None) as batch_op:
        batch_op.create_index('mail_attempt_started', ['started_at'], unique=False)
