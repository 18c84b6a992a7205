"""Give API keys scopes, an end and a last use. Existing keys may still read and trade, without an end."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("api_keys", sa.Column("scopes", sa.Text(), nullable=False, server_default="read trade"))
    op.add_column("api_keys", sa.Column("expires", sa.BigInteger(), nullable=True))
    op.add_column("api_keys", sa.Column("last_used", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Not possible: an older server would let a key that may only read trade, and one that ended live on."""
    raise RuntimeError("this schema cannot be taken back: restore a backup made before the upgrade")
