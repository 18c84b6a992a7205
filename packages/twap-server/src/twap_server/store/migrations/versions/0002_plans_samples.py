"""Store plans apart from orders (an amendment keeps the one before), legs, and samples of the market.

What an order's terms said of quantity, limit and window becomes revision 1 of its plan.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from twap_server.store.columns import ExactDecimal

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOVED = ("quantity", "limit_price", "end_time", "interval_ns", "slice_count", "warnings")
_INTO_LEGS = ("min_quantity", "min_notional")


def upgrade() -> None:
    """Add what is new, move what an order said of its plan and its market, drop what was moved."""
    _create_order_plans()
    _create_order_samples()
    _add_columns()
    _move_plans()
    _write_legs()
    for name in (*_MOVED, *_INTO_LEGS):
        op.execute(f"ALTER TABLE orders DROP COLUMN {name}")
    op.execute("ALTER TABLE orders RENAME COLUMN arrival_price TO decision_price")
    op.execute("ALTER TABLE slices DROP COLUMN book_seq")


def downgrade() -> None:
    """Not possible: an amended order has plans that the older tables have no place for."""
    raise RuntimeError("this schema cannot be taken back: restore a backup made before the upgrade")


def _create_order_plans() -> None:
    op.create_table(
        "order_plans",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("limit_price", ExactDecimal(), nullable=True),
        sa.Column("plan_start", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("interval_ns", sa.BigInteger(), nullable=False),
        sa.Column("slice_count", sa.BigInteger(), nullable=False),
        sa.Column("first_slice", sa.BigInteger(), nullable=False),
        sa.Column("base", ExactDecimal(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name="fk_order_plans_order_id"),
        sa.PrimaryKeyConstraint("order_id", "revision", name="pk_order_plans"),
    )


def _create_order_samples() -> None:
    op.create_table(
        "order_samples",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mid", ExactDecimal(), nullable=True),
        sa.Column("volume", ExactDecimal(), nullable=False),
        sa.Column("notional", ExactDecimal(), nullable=False),
        sa.Column("sweep_filled", ExactDecimal(), nullable=True),
        sa.Column("sweep_notional", ExactDecimal(), nullable=True),
        sa.Column("sweep_fees", ExactDecimal(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name="fk_order_samples_order_id"),
        sa.PrimaryKeyConstraint("order_id", "time", name="pk_order_samples"),
    )


def _add_columns() -> None:
    new: dict[str, list[sa.Column[Any]]] = {
        "orders": [
            sa.Column("legs", sa.Text(), nullable=False, server_default="[]"),
            sa.Column("randomize", ExactDecimal(), nullable=False, server_default="0"),
            sa.Column("participation_cap", ExactDecimal(), nullable=True),
            sa.Column("tick_size", ExactDecimal(), nullable=False, server_default="0"),
            sa.Column("revision", sa.Integer(), nullable=False, server_default="1"),
        ],
        "order_events": [sa.Column("revision", sa.Integer(), nullable=False, server_default="1")],
        "slices": [
            sa.Column("target", ExactDecimal(), nullable=False, server_default="0"),
            sa.Column("touch", ExactDecimal(), nullable=True),
            sa.Column("touch_exchange", sa.Text(), nullable=False, server_default=""),
            sa.Column("traded", ExactDecimal(), nullable=True),
        ],
        "fills": [
            sa.Column("book_seq", sa.BigInteger(), nullable=False, server_default="0"),
            sa.Column("book_time", sa.BigInteger(), nullable=False, server_default="0"),
        ],
    }
    for table, columns in new.items():
        for column in columns:
            op.add_column(table, column)


def _move_plans() -> None:
    op.execute(
        "INSERT INTO order_plans (order_id, revision, quantity, limit_price, plan_start, end_time,"
        " interval_ns, slice_count, first_slice, base, warnings)"
        " SELECT order_id, 1, quantity, limit_price, start_time, end_time, interval_ns, slice_count, 0,"
        f" {_zero()}, warnings FROM orders"
    )


def _zero() -> str:
    return "0" if op.get_bind().dialect.name == "postgresql" else "'0'"


def _write_legs() -> None:
    connection = op.get_bind()
    columns = ("order_id", "instrument_exchange", "instrument_symbol", "lot_size", *_INTO_LEGS)
    found = connection.execute(sa.text(f"SELECT {', '.join(columns)} FROM orders"))
    rows = [
        {"of_order": row.order_id, "legs": json.dumps([_leg(row)])}
        for row in found
        if row.instrument_symbol is not None
    ]
    if rows:
        connection.execute(sa.text("UPDATE orders SET legs = :legs WHERE order_id = :of_order"), rows)


def _leg(row: Any) -> dict[str, str]:
    numbers = ("lot_size", *_INTO_LEGS)
    return {
        "exchange": row.instrument_exchange,
        "symbol": row.instrument_symbol,
        **{name: str(getattr(row, name)) for name in numbers},
        "fee": "0",
    }
