"""every change of address, deaths that staff noted, and what a joined request said of its person"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0029'
down_revision = '0028'
branch_labels = None
depends_on = None

# Of each account the last change was known, so that its own id will do.
THE_LAST_CHANGES = """
    INSERT INTO address_change (id, account_id, address, changed_at)
    SELECT id, id, previous_email, address_changed_at FROM account
    WHERE previous_email IS NOT NULL AND address_changed_at IS NOT NULL
"""


def upgrade() -> None:
    op.create_table('address_change',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('address', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('changed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('address_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_address_change_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_address_change_changed_at'), ['changed_at'], unique=False)
    op.execute(THE_LAST_CHANGES)
    op.drop_index('account_address', table_name='account')
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.drop_column('previous_email')
        batch_op.add_column(sa.Column('death_noted_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('death_noted_by', sa.Uuid(), nullable=True))
        batch_op.create_foreign_key('account_death_noted_by', 'staff', ['death_noted_by'], ['id'])
    op.create_index('account_address', 'account', [sa.text('lower(email)')], unique=False)

    with op.batch_alter_table('joined_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('time_zone', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column('language', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
