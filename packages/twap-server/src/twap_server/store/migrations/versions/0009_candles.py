"""Keep closed candles, so that none is fetched twice."""

import sqlalchemy as sa
from alembic import op

from twap_server.store.columns import ExactDecimal

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FIGURES = ("open", "high", "low", "close", "volume")


def upgrade() -> None:
    """Make the tables, empty."""
    op.create_table(
        "candles",
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("open_time", sa.BigInteger(), nullable=False),
        sa.Column("close_time", sa.BigInteger(), nullable=False),
        *(sa.Column(name, ExactDecimal(), nullable=False) for name in _FIGURES),
        sa.PrimaryKeyConstraint("exchange", "symbol", "interval", "open_time", name="pk_candles"),
    )
    op.create_table(
        "candle_ranges",
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "symbol", "interval", "first", name="pk_candle_ranges"),
    )


def downgrade() -> None:
    """Drop what was made."""
    op.drop_table("candle_ranges")
    op.drop_table("candles")
