"""erasures, and whom a backup must not bring back"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0024'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('tombstone',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('erasure_id', sa.Uuid(), nullable=False),
    sa.Column('known_as', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('erased_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('erasure_id', 'known_as')
    )
    with op.batch_alter_table('tombstone', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tombstone_erased_at'), ['erased_at'], unique=False)
