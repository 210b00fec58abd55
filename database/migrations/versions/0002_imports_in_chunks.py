"""Imports in chunks"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('account_import',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('asserted_by', sa.Uuid(), nullable=False),
    sa.Column('staged_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('decided_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('done_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('added', sa.Integer(), nullable=False),
    sa.Column('updated', sa.Integer(), nullable=False),
    sa.Column('unchanged', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['asserted_by'], ['staff.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('account_import', schema=None) as batch_op:
        batch_op.create_index('account_import_decided', ['state'], unique=True, sqlite_where=sa.text("state = 'decided'"), postgresql_where=sa.text("state = 'decided'"))

    op.create_table('account_import_row',
    sa.Column('import_id', sa.Uuid(), nullable=False),
    sa.Column('external_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('email', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('locale', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('time_zone', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('country', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('status', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('organisation_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('approver', sa.Boolean(), nullable=True),
    sa.Column('joined_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('governing_version', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['import_id'], ['account_import.id'], ),
    sa.PrimaryKeyConstraint('import_id', 'external_id')
    )
    with op.batch_alter_table('staged_account', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_staged_account_import_id'))
        batch_op.drop_index(batch_op.f('ix_staged_account_staged_at'))

    op.drop_table('staged_account')
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reopened_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.drop_index(batch_op.f('ix_account_status'))

    with op.batch_alter_table('campaign', schema=None) as batch_op:
        batch_op.add_column(sa.Column('freezing_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('frozen_up_to', sqlmodel.sql.sqltypes.AutoString(), server_default='', nullable=False))

    # An audience that was half frozen goes on after the last account it addresses.
    op.execute(
        "UPDATE campaign SET frozen_up_to = coalesce((SELECT max(account.external_id) FROM account "
        "JOIN campaign_addressee ON campaign_addressee.account_id = account.id "
        "WHERE campaign_addressee.campaign_id = campaign.id), '')"
    )

    with op.batch_alter_table('policy_version', schema=None) as batch_op:
        batch_op.create_index('one_announced', ['policy_id'], unique=True, sqlite_where=sa.text("state = 'announced'"), postgresql_where=sa.text("state = 'announced'"))
        batch_op.create_index('one_in_force', ['policy_id'], unique=True, sqlite_where=sa.text("state = 'in_force'"), postgresql_where=sa.text("state = 'in_force'"))

