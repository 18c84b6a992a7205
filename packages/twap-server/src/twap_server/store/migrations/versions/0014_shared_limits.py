"""Let gateways limit callers together: password tries, calls that passed, and sign-ins under way."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COUNTS = ("failures", "pending", "last", "begun", "known_until", "told", "kept_until")


def upgrade() -> None:
    """Make the tables, empty."""
    op.create_table(
        "password_tries",
        sa.Column("key", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("key", name="pk_password_tries"),
    )
    op.create_table(
        "shared_hits",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("limit_name", sa.Text(), nullable=False),
        sa.Column("told", sa.BigInteger(), nullable=False),
        sa.Column("kept_until", sa.BigInteger(), nullable=False),
        sa.Column("hits", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "number", "limit_name", name="pk_shared_hits"),
    )
    op.create_table(
        "once_secrets",
        sa.Column("name_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("kept_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name_hash", name="pk_once_secrets"),
    )
    for table in ("password_tries", "shared_hits", "once_secrets"):
        op.create_index(f"ix_{table}_kept_until", table, ["kept_until"])


def downgrade() -> None:
    """Drop what was made."""
    for table in ("once_secrets", "shared_hits", "password_tries"):
        op.drop_table(table)
