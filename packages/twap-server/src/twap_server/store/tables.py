"""Define the tables, as SQLAlchemy Core. Times are nanoseconds since the epoch, durations nanoseconds.

A change here needs a new file in ``migrations/versions``; a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from twap_models.enums import OrderStatus
from twap_server.store.columns import ExactDecimal

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

OPEN_STATUSES = tuple(status.value for status in OrderStatus if status.is_open)
IS_OPEN = text("status IN (" + ", ".join(f"'{status}'" for status in OPEN_STATUSES) + ")")
"""Literals, not parameters: only so can the partial index answer."""
HAS_ENDED = text("ended IS NOT NULL")

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("is_admin", Boolean, nullable=False, server_default=false()),
)

invites = Table(
    "invites",
    metadata,
    Column("invite_id", Text, primary_key=True),
    Column("code_hash", Text, nullable=False, unique=True),
    Column("note", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used_by", Text, ForeignKey("users.user_id")),
)

identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False, index=True),
    Column("created", BigInteger, nullable=False),
)

refresh_families = Table(
    "refresh_families",
    metadata,
    Column("family_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False, index=True),
    Column("revoked", Boolean, nullable=False),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("family_id", Text, ForeignKey("refresh_families.family_id"), nullable=False, index=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger),
    Column("successor_hash", Text),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("scopes", Text, nullable=False, server_default="read trade"),
    Column("expires", BigInteger),
    Column("last_used", BigInteger),
)


def _progress_columns() -> tuple[Column[object], ...]:
    return (
        Column("status", Text, nullable=False),
        Column("filled", ExactDecimal, nullable=False),
        Column("notional", ExactDecimal, nullable=False),
        Column("fees", ExactDecimal, nullable=False),
        Column("next_slice", Integer, nullable=False),
        Column("reason", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("ended", BigInteger),
        Column("traded_total", ExactDecimal, nullable=False, server_default="0"),
        Column("version", Integer, nullable=False),
        Column("revision", Integer, nullable=False, server_default="1"),
    )


orders = Table(
    "orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("token_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("instrument_exchange", Text),
    Column("instrument_symbol", Text),
    Column("legs", Text, nullable=False, server_default="[]"),
    Column("side", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    Column("carry", Text, nullable=False),
    Column("max_slippage_bps", ExactDecimal),
    Column("fidelity", Text, nullable=False),
    Column("randomize", ExactDecimal, nullable=False, server_default="0"),
    Column("participation_cap", ExactDecimal),
    Column("tick_size", ExactDecimal, nullable=False, server_default="0"),
    Column("lot_size", ExactDecimal, nullable=False),
    Column("decision_price", ExactDecimal),
    Column("forecast_bps", ExactDecimal),
    Column("strategy", Text, nullable=False, server_default="twap"),
    Column("parameters", Text),
    Column("realism", Text),
    *_progress_columns(),
    UniqueConstraint("user_id", "token_id"),
)
Index("ix_orders_newest", orders.c.user_id, orders.c.created, orders.c.order_id)
Index(
    "ix_orders_open",
    orders.c.user_id,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)
Index(
    "ix_orders_ended",
    orders.c.user_id,
    orders.c.ended,
    orders.c.order_id,
    sqlite_where=HAS_ENDED,
    postgresql_where=HAS_ENDED,
)

order_costs = Table(
    "order_costs",
    metadata,
    Column("order_id", Text, ForeignKey("orders.order_id"), primary_key=True),
    Column("decision_price", ExactDecimal),
    Column("arrival_price", ExactDecimal),
    Column("shortfall", ExactDecimal),
    Column("delay", ExactDecimal),
    Column("timing", ExactDecimal),
    Column("spread", ExactDecimal),
    Column("depth", ExactDecimal),
    Column("opportunity", ExactDecimal),
    Column("reference", ExactDecimal),
    Column("slippage_bps", ExactDecimal),
    Column("twap_slippage_bps", ExactDecimal),
    Column("vwap_slippage_bps", ExactDecimal),
    Column("participation_percent", ExactDecimal),
    Column("latency", ExactDecimal),
)
"""Headline figures of closed orders' execution reports: a row once they change no more and were asked for."""

order_plans = Table(
    "order_plans",
    metadata,
    Column("order_id", Text, ForeignKey("orders.order_id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("limit_price", ExactDecimal),
    Column("plan_start", BigInteger, nullable=False),
    Column("end_time", BigInteger, nullable=False),
    Column("interval_ns", BigInteger, nullable=False),
    Column("slice_count", BigInteger, nullable=False),
    Column("first_slice", BigInteger, nullable=False),
    Column("base", ExactDecimal, nullable=False),
    Column("warnings", Text, nullable=False),
    Column("curve", Text),
)

slices = Table(
    "slices",
    metadata,
    Column("order_id", Text, ForeignKey("orders.order_id"), primary_key=True),
    Column("slice_index", Integer, primary_key=True),
    Column("due", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("wanted", ExactDecimal, nullable=False),
    Column("filled", ExactDecimal, nullable=False),
    Column("notional", ExactDecimal, nullable=False),
    Column("decided", BigInteger),
    Column("target", ExactDecimal, nullable=False, server_default="0"),
    Column("mid", ExactDecimal),
    Column("touch", ExactDecimal),
    Column("touch_exchange", Text, nullable=False, server_default=""),
    Column("traded", ExactDecimal),
    Column("book_time", BigInteger),
    Column("fills", Text),
    Column("sent", Text),
)
"""Each with its fills, see ``fill_texts``; none where it filled nothing. ``sent``: see ``realism_texts``."""

order_samples = Table(
    "order_samples",
    metadata,
    Column("order_id", Text, ForeignKey("orders.order_id"), primary_key=True),
    Column("time", BigInteger, primary_key=True, autoincrement=False),
    Column("mid", ExactDecimal),
    Column("volume", ExactDecimal, nullable=False),
    Column("notional", ExactDecimal, nullable=False),
    Column("sweep_filled", ExactDecimal),
    Column("sweep_notional", ExactDecimal),
    Column("sweep_fees", ExactDecimal),
)

order_events = Table(
    "order_events",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("order_id", Text, ForeignKey("orders.order_id"), nullable=False),
    Column("slice_index", Integer),
    Column("fill_count", Integer, nullable=False),
    *_progress_columns(),
    ForeignKeyConstraint(["order_id", "slice_index"], ["slices.order_id", "slices.slice_index"]),
)

instruments = Table(
    "instruments",
    metadata,
    Column("exchange", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

servers = Table(
    "servers",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
)
"""One row: the server that used the database last (PostgreSQL only); each start counts on.

Nodes, which use it together, are one server here.
"""

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("node", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Which node owns what, by the database's own clock (PostgreSQL only); free where ``until`` has passed."""

nodes = Table(
    "nodes",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("remark", Text, nullable=False),
)
"""Nodes that work together (PostgreSQL only); ``seen`` by the database's own clock."""

candles = Table(
    "candles",
    metadata,
    Column("exchange", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("interval", Text, primary_key=True),
    Column("open_time", BigInteger, primary_key=True, autoincrement=False),
    Column("close_time", BigInteger, nullable=False),
    Column("open", ExactDecimal, nullable=False),
    Column("high", ExactDecimal, nullable=False),
    Column("low", ExactDecimal, nullable=False),
    Column("close", ExactDecimal, nullable=False),
    Column("volume", ExactDecimal, nullable=False),
)
"""Closed ones only, in intervals that the exchange has itself."""

candle_ranges = Table(
    "candle_ranges",
    metadata,
    Column("exchange", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("interval", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),
)
"""Between which open times every candle is known, how many there are, and when the newest were kept."""

password_tries = Table(
    "password_tries",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("known_until", BigInteger, nullable=False),
    Column("told", BigInteger, nullable=False),
    Column("kept_until", BigInteger, nullable=False, index=True),
)
"""What gateways count together (PostgreSQL only), by digests of names and addresses; as ``KeyTries``."""

shared_hits = Table(
    "shared_hits",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("limit_name", Text, primary_key=True),
    Column("told", BigInteger, nullable=False),
    Column("kept_until", BigInteger, nullable=False, index=True),
    Column("hits", Text, nullable=False),
)
"""What each gateway let pass (PostgreSQL only), a row for each time that it told; ``hits``: JSON, by key."""

once_secrets = Table(
    "once_secrets",
    metadata,
    Column("name_hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("kept_until", BigInteger, nullable=False, index=True),
)
"""What is given out once, to whoever knows its name (PostgreSQL only): sign-ins under way."""

fills = Table(
    "fills",
    MetaData(),
    Column("fill_id", Text),
    Column("order_id", Text),
    Column("slice_index", Integer),
    Column("n", Integer),
    Column("time", BigInteger),
    Column("exchange", Text),
    Column("price", ExactDecimal),
    Column("quantity", ExactDecimal),
    Column("fee", ExactDecimal),
    Column("book_seq", BigInteger),
    Column("book_time", BigInteger),
)
"""A view: the fills within ``slices`` row by row, for who reads them all or with other programs."""
