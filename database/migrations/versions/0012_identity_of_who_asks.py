"""identity of who asks"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

NEEDS_NONE = """
    UPDATE data_subject_request SET needs_identity = FALSE WHERE NOT EXISTS (
        SELECT 1 FROM requested_right r WHERE r.request_id = data_subject_request.id
        AND r.kind NOT IN ('objection_marketing', 'marketing_opt_out', 'minor')
    )
"""


def upgrade() -> None:
    op.create_table('identity_code',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('nonce', sa.LargeBinary(), nullable=False),
    sa.Column('asked_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('used_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['request_id'], ['data_subject_request.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('nonce')
    )
    with op.batch_alter_table('identity_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_identity_code_request_id'), ['request_id'], unique=False)

    op.create_table('identity_check',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('method', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('recorded_by', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('confirmed_by', sa.Uuid(), nullable=True),
    sa.Column('confirmed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['confirmed_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['recorded_by'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['request_id'], ['data_subject_request.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('identity_check', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_identity_check_request_id'), ['request_id'], unique=False)

    op.create_table('identity_evidence',
    sa.Column('check_id', sa.Uuid(), nullable=False),
    sa.Column('words', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['check_id'], ['identity_check.id'], ),
    sa.PrimaryKeyConstraint('check_id')
    )
    op.create_table('address_warning',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('address', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('changed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('warned_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.ForeignKeyConstraint(['request_id'], ['data_subject_request.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('request_id', 'changed_at')
    )
    with op.batch_alter_table('address_warning', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_address_warning_request_id'), ['request_id'], unique=False)

    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('previous_email', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column('address_changed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))

    with op.batch_alter_table('data_subject_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('account_address', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column('needs_identity', sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column('contact_confirmed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('disclosure_held_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('disputed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('follows_id', sa.Uuid(), nullable=True))
        batch_op.create_unique_constraint('data_subject_request_follows_once', ['follows_id'])
        batch_op.create_foreign_key('data_subject_request_follows', 'data_subject_request', ['follows_id'], ['id'], ondelete='SET NULL')
    with op.batch_alter_table('joined_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('account_address', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.execute(NEEDS_NONE)
