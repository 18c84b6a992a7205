"""Count what a database holds and check it against itself: for a backup, and after a restore.

Only what every schema has had from the first one on.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal

from sqlalchemy import Connection, func, inspect, select

from twap_server.domain.errors import StoreUnavailable
from twap_server.store.migrate import NEWEST
from twap_server.store.tables import IS_OPEN, fills, order_events, orders, slices, users

_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Counts of one moment."""

    revision: str
    """Of the schema, such as ``0004``."""
    users: int
    orders: int
    open_orders: int
    slices: int
    fills: int
    events: int

    def in_words(self) -> str:
        """For people."""
        return (
            f"{self.users:,} accounts, {self.orders:,} orders ({self.open_orders:,} open), "
            f"{self.fills:,} fills, {self.events:,} events, schema {self.revision}"
        )

    def refuse_newer(self) -> None:
        """Refuse what this version does not know.

        Raises:
            StoreUnavailable: a newer version wrote it.
        """
        if self.revision > NEWEST:
            raise StoreUnavailable(
                f"its schema {self.revision} is newer than the one this version knows ({NEWEST}): "
                "a newer twap-server wrote it; install that version"
            )

    def differences(self, other: "Contents") -> str:
        """Where another differs; empty: nowhere."""
        own, its = asdict(self), asdict(other)
        return ", ".join(f"{name}: {own[name]} and not {its[name]}" for name in own if own[name] != its[name])


def contents(connection: Connection) -> Contents:
    """Count, and add up every order.

    Raises:
        StoreUnavailable: it is no database of ours, is of a newer version, or its records contradict each
            other; the message says which.
    """
    found = Contents(
        revision=revision(connection),
        users=_count(connection, users),
        orders=_count(connection, orders),
        open_orders=int(
            connection.execute(select(func.count()).select_from(orders).where(IS_OPEN)).scalar_one()
        ),
        slices=_count(connection, slices),
        fills=_count(connection, fills),
        events=_count(connection, order_events),
    )
    found.refuse_newer()
    for fault in _contradictions(connection):
        raise StoreUnavailable(f"its records contradict each other: {fault}")
    return found


def revision(connection: Connection) -> str:
    """The schema's.

    Raises:
        StoreUnavailable: it is no database of ours.
    """
    there = inspect(connection).get_table_names()
    if "alembic_version" not in there or users.name not in there:  # other programs use Alembic, too
        raise StoreUnavailable("it holds no tables of twap-server")
    number = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
    return number


def _count(connection: Connection, table: object) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def _contradictions(connection: Connection) -> Iterator[str]:
    """Each order's total is the sum of its slices and of its fills; each user's events are 1, 2, 3 …"""
    in_slices = _sums(connection, slices.c.order_id, slices.c.filled)
    in_fills = _sums(connection, fills.c.order_id, fills.c.quantity)
    for order_id, filled in connection.execute(select(orders.c.order_id, orders.c.filled)):
        for what, sums in (("slices", in_slices), ("fills", in_fills)):
            if sums[order_id] != filled:
                yield f"the {what} of order {order_id} come to {sums[order_id]}, its total is {filled}"
    seq, user = order_events.c.seq, order_events.c.user_id
    numbered = select(user, func.count(), func.min(seq), func.max(seq)).group_by(user)
    for user_id, count, first, last in connection.execute(numbered):
        if (first, last) != (1, count):
            yield f"user {user_id} has {count} events, numbered {first} to {last}"


def _sums(connection: Connection, key: object, value: object) -> defaultdict[str, Decimal]:
    """Added up here: SQLite keeps numbers as text, and its own sums lose digits."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    piecewise = {"yield_per": _ROWS_AT_ONCE}
    rows = connection.execute(select(key, value), execution_options=piecewise)  # type: ignore[call-overload]
    for one, number in rows:
        found[one] += number
    return found
