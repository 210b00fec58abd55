"""versions asserted by policy"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('account_import_row', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('governing_versions', sqlmodel.sql.sqltypes.AutoString(), nullable=True)
        )
    # A number on its way in was meant of every policy at once.
    for (slug,) in op.get_bind().execute(sa.text("SELECT slug FROM policy ORDER BY slug")).all():
        op.get_bind().execute(
            sa.text(
                "UPDATE account_import_row SET governing_versions = coalesce(governing_versions, '')"
                " || :named || CAST(governing_version AS VARCHAR) || ']'"
                " WHERE governing_version IS NOT NULL"
            ),
            {"named": f"[{slug}:"},
        )
    with op.batch_alter_table('account_import_row', schema=None) as batch_op:
        batch_op.drop_column('governing_version')
