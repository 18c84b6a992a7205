"""Keep the headline figures of closed orders' execution reports, and find closed orders by their end."""

import sqlalchemy as sa
from alembic import op

from twap_server.store.columns import ExactDecimal

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FIGURES = (
    "decision_price", "arrival_price", "shortfall", "delay", "timing", "spread", "depth", "opportunity",
    "reference", "slippage_bps", "twap_slippage_bps", "vwap_slippage_bps", "participation_percent",
)  # fmt: skip
_ENDED = sa.text("ended IS NOT NULL")


def upgrade() -> None:
    """Make the table, empty: figures of older orders are computed when they are asked for."""
    op.create_table(
        "order_costs",
        sa.Column("order_id", sa.Text(), nullable=False),
        *(sa.Column(name, ExactDecimal(), nullable=True) for name in _FIGURES),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name="fk_order_costs_order_id"),
        sa.PrimaryKeyConstraint("order_id", name="pk_order_costs"),
    )
    op.create_index(
        "ix_orders_ended",
        "orders",
        ["user_id", "ended", "order_id"],
        sqlite_where=_ENDED,
        postgresql_where=_ENDED,
    )


def downgrade() -> None:
    """Drop what was made."""
    op.drop_index("ix_orders_ended", table_name="orders")
    op.drop_table("order_costs")
