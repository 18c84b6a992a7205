"""Create users, sessions, keys, orders with their slices, fills and events, and known instruments."""

import sqlalchemy as sa
from alembic import op

from twap_server.store.columns import ExactDecimal

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    _create_users()
    _create_refresh_families()
    _create_refresh_tokens()
    _create_api_keys()
    _create_orders()
    _create_slices()
    _create_fills()
    _create_order_events()
    _create_instruments()


def downgrade() -> None:
    """Drop all tables."""
    for table in (
        "instruments",
        "order_events",
        "fills",
        "slices",
        "orders",
        "api_keys",
        "refresh_tokens",
        "refresh_families",
        "users",
    ):
        op.drop_table(table)


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_users"),
        sa.UniqueConstraint("username_key", name="uq_users_username_key"),
    )


def _create_refresh_families() -> None:
    op.create_table(
        "refresh_families",
        sa.Column("family_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_refresh_families_user_id"),
        sa.PrimaryKeyConstraint("family_id", name="pk_refresh_families"),
    )
    op.create_index("ix_refresh_families_user_id", "refresh_families", ["user_id"], unique=False)


def _create_refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("family_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.Column("successor_hash", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["family_id"], ["refresh_families.family_id"], name="fk_refresh_tokens_family_id"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_refresh_tokens_user_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_refresh_tokens"),
    )
    op.create_index("ix_refresh_tokens_family_id", "refresh_tokens", ["family_id"], unique=False)


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_api_keys_user_id"),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"], unique=False)


def _create_orders() -> None:
    is_open = sa.text("status IN ('Accepted', 'Working', 'Paused')")
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("instrument_exchange", sa.Text(), nullable=True),
        sa.Column("instrument_symbol", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("limit_price", ExactDecimal(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("interval_ns", sa.BigInteger(), nullable=False),
        sa.Column("slice_count", sa.BigInteger(), nullable=False),
        sa.Column("carry", sa.Text(), nullable=False),
        sa.Column("max_slippage_bps", ExactDecimal(), nullable=True),
        sa.Column("fidelity", sa.Text(), nullable=False),
        sa.Column("lot_size", ExactDecimal(), nullable=False),
        sa.Column("min_quantity", ExactDecimal(), nullable=False),
        sa.Column("min_notional", ExactDecimal(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("arrival_price", ExactDecimal(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filled", ExactDecimal(), nullable=False),
        sa.Column("notional", ExactDecimal(), nullable=False),
        sa.Column("fees", ExactDecimal(), nullable=False),
        sa.Column("next_slice", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name="pk_orders"),
        sa.UniqueConstraint("user_id", "token_id", name="uq_orders_user_id_token_id"),
    )
    op.create_index("ix_orders_newest", "orders", ["user_id", "created", "order_id"], unique=False)
    op.create_index(
        "ix_orders_open", "orders", ["user_id"], unique=False, sqlite_where=is_open, postgresql_where=is_open
    )


def _create_slices() -> None:
    op.create_table(
        "slices",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("slice_index", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("wanted", ExactDecimal(), nullable=False),
        sa.Column("filled", ExactDecimal(), nullable=False),
        sa.Column("notional", ExactDecimal(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.Column("mid", ExactDecimal(), nullable=True),
        sa.Column("book_seq", sa.BigInteger(), nullable=False),
        sa.Column("book_time", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name="fk_slices_order_id"),
        sa.PrimaryKeyConstraint("order_id", "slice_index", name="pk_slices"),
    )


def _create_fills() -> None:
    op.create_table(
        "fills",
        sa.Column("fill_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("slice_index", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("price", ExactDecimal(), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("fee", ExactDecimal(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id", "slice_index"],
            ["slices.order_id", "slices.slice_index"],
            name="fk_fills_order_id_slice_index",
        ),
        sa.PrimaryKeyConstraint("fill_id", name="pk_fills"),
        sa.UniqueConstraint("order_id", "slice_index", "n", name="uq_fills_order_id_slice_index_n"),
    )


def _create_order_events() -> None:
    op.create_table(
        "order_events",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("slice_index", sa.Integer(), nullable=True),
        sa.Column("fill_count", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filled", ExactDecimal(), nullable=False),
        sa.Column("notional", ExactDecimal(), nullable=False),
        sa.Column("fees", ExactDecimal(), nullable=False),
        sa.Column("next_slice", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id", "slice_index"],
            ["slices.order_id", "slices.slice_index"],
            name="fk_order_events_order_id_slice_index",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name="fk_order_events_order_id"),
        sa.PrimaryKeyConstraint("user_id", "seq", name="pk_order_events"),
    )


def _create_instruments() -> None:
    op.create_table(
        "instruments",
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "symbol", name="pk_instruments"),
    )
