"""indexes for what is asked all the time, and a column that nobody wrote"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('account_address', 'account', [sa.text('lower(email)')], unique=False)
    op.drop_index('ix_account_email', table_name='account')
    op.create_index('link_expires', 'link', ['purpose', 'expires_at'], unique=False, sqlite_where=sa.text('expires_at IS NOT NULL'), postgresql_where=sa.text('expires_at IS NOT NULL'))
    op.drop_column('campaign_addressee', 'not_reached')
