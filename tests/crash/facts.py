"""What the store holds, read with SQL of this module alone: nothing of the product's store is used.

In: a database file or a PostgreSQL URL. Out: ``Facts``, plain rows grouped by order and by user. Columns are
read by name, so that new ones do no harm.
"""

import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

_TABLES = {
    "orders": "created, order_id",
    "order_plans": "order_id, revision",
    "slices": "order_id, slice_index",
    "fills": "order_id, slice_index, n",
    "order_events": "user_id, seq",
}
_JOINED = {"orders": "orders JOIN order_plans USING (order_id, revision)"}
"""An order with the plan it is at."""
_EXACT = frozenset(
    ("quantity", "limit_price", "filled", "notional", "fees", "wanted", "price", "fee", "lot_size", "mid")
)
_TOUCHED = "SELECT order_id FROM orders WHERE created >= {since} OR ended IS NULL OR ended >= {since}"


@dataclass(slots=True, kw_only=True)
class Record:
    """One order with all that belongs to it."""

    order: Row
    """Its own columns, those of its present plan, and ``username``."""
    plans: list[Row] = field(default_factory=list)
    slices: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    def plan_of(self, index: int) -> Row:
        """The plan under which a slice was decided: the one its event was recorded with, else the first.

        The last there is, where that one is missing.
        """
        revisions = (e["revision"] for e in self.events if e["type"] == "slice" and e["slice_index"] == index)
        revision = next(revisions, 1)
        return next((plan for plan in self.plans if plan["revision"] == revision), self.plans[-1])


@dataclass(slots=True, kw_only=True)
class Facts:
    """The store at one moment."""

    records: dict[str, Record]
    """By order id."""
    events: dict[str, dict[int, Row]]
    """By user name and seq."""
    orphans: list[str]
    """Rows that belong to no order."""
    whole: bool
    """Everything, not only what changed since some time."""

    def of_user(self) -> dict[tuple[str, str], Record]:
        """Orders by user name and token id."""
        return {(one.order["username"], one.order["token_id"]): one for one in self.records.values()}


def from_sqlite(path: Path, *, since: int | None = None) -> Facts:
    """Read a copy of a database file, with its write-ahead log, as a dead server left it.

    Args:
        path: the database file; neither it nor what lies beside it is touched.
        since: only orders that were open or changed since then (wall-clock nanoseconds).
    """
    with tempfile.TemporaryDirectory(prefix="twap-crash-") as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-wal"):
            if path.with_name(path.name + suffix).exists():
                shutil.copyfile(path.with_name(path.name + suffix), copy.with_name(copy.name + suffix))
        with sqlite3.connect(copy) as connection:
            connection.row_factory = sqlite3.Row
            found = {
                name: [_exact(row) for row in connection.execute(statement)]
                for name, statement in _statements(since).items()
            }
        connection.close()
    return _grouped(found, whole=since is None)


async def from_postgresql(url: str, *, since: int | None = None) -> Facts:
    """Read a PostgreSQL database; see ``from_sqlite``."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = {
                name: [dict(row) for row in await connection.fetch(statement)]
                for name, statement in _statements(since).items()
            }
    finally:
        await connection.close()
    return _grouped(found, whole=since is None)


def _statements(since: int | None) -> dict[str, str]:
    where = "" if since is None else f" WHERE order_id IN ({_TOUCHED.format(since=int(since))})"
    made = {
        name: f"SELECT * FROM {_JOINED.get(name, name)}{where} ORDER BY {order}"
        for name, order in _TABLES.items()
    }
    return made | {"users": "SELECT user_id, username FROM users"}


def _exact(row: sqlite3.Row) -> Row:
    """SQLite holds decimals as text."""
    return {
        name: Decimal(row[name]) if name in _EXACT and row[name] is not None else row[name]
        for name in row.keys()  # noqa: SIM118 - a Row iterates over its values
    }


def _grouped(found: Mapping[str, list[Row]], *, whole: bool) -> Facts:
    names = {row["user_id"]: row["username"] for row in found["users"]}
    records = {
        row["order_id"]: Record(order={**row, "username": names[row["user_id"]]}) for row in found["orders"]
    }
    events: defaultdict[str, dict[int, Row]] = defaultdict(dict)
    for row in found["order_events"]:
        events[names[row["user_id"]]][row["seq"]] = row
    parts = {
        "plans": found["order_plans"],
        "slices": found["slices"],
        "fills": found["fills"],
        "events": found["order_events"],
    }
    orphans = [text for part, rows in parts.items() for text in _deal(records, part, rows)]
    for record in records.values():
        present = [plan for plan in record.plans if plan["revision"] <= record.order["revision"]]
        record.order = {**(present[-1] if present else {}), **record.order}
    return Facts(records=records, events=dict(events), orphans=orphans, whole=whole)


def _deal(records: Mapping[str, Record], part: str, rows: Iterable[Row]) -> list[str]:
    """Give each row to its order; say which have none."""
    orphans = []
    for row in rows:
        record = records.get(row["order_id"])
        if record is None:
            orphans.append(f"a row of {part} belongs to no order: {dict(row)}")
        else:
            getattr(record, part).append(row)
    return orphans
