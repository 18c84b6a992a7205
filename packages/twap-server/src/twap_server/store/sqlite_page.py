"""Read an order with a bounded page of its slices and fills in one trip to SQLite's thread.

In: whose order, and the page. Out: what ``pages.read_page`` gives, of one moment. SQLAlchemy compiles each
statement once; building and running them one by one costs ten times what the database does.
"""

import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam
from sqlalchemy.dialects import sqlite

from twap_server.domain.orders.order import Fill
from twap_server.domain.orders.record import FillKey, OrderPage, PageRequest
from twap_server.store import queries
from twap_server.store.columns import ExactDecimal
from twap_server.store.fill_texts import read_fills
from twap_server.store.rows import to_order, to_slice

MOST = 250
"""Rows of each kind that are light enough to be read in one piece."""


class _Plain(NamedTuple):
    """A statement as text."""

    sql: str
    parameters: tuple[str, ...]
    """In the order of their places."""
    columns: tuple[str, ...]
    exact: tuple[str, ...]
    """Those that are numbers kept as text."""
    fixed: Mapping[str, Any]
    """Parameters that are the same each time."""

    def run(self, connection: sqlite3.Connection, **given: Any) -> list[Mapping[str, Any]]:
        """Give the rows."""
        values = {**self.fixed, **given}
        found = connection.execute(self.sql, [values[name] for name in self.parameters])
        return [self._row(values) for values in found]

    def _row(self, values: tuple[Any, ...]) -> dict[str, Any]:
        row = dict(zip(self.columns, values, strict=True))
        for name in self.exact:
            if row[name] is not None:
                row[name] = Decimal(row[name])
        return row


def may_read(asked: PageRequest) -> bool:
    """Whether the page is small enough."""
    return all(most is not None and most <= MOST for most in (asked.slices, asked.fills))


def read_page(
    connection: sqlite3.Connection, user_id: str, token_id: str, asked: PageRequest
) -> OrderPage | None:
    """Read the page in a transaction of its own; None without such an order."""
    connection.execute("BEGIN")
    try:
        found = _statements()["order"].run(connection, user_id=user_id, token_id=token_id)
        return _page(connection, found[0], asked) if found else None
    finally:
        connection.rollback()


def _page(connection: sqlite3.Connection, row: Mapping[str, Any], asked: PageRequest) -> OrderPage:
    order_id, after = row["order_id"], asked.after
    prefix = "latest_" if asked.latest else ""
    slices = _statements()[prefix + "slices"].run(
        connection, order_id=order_id, slice_index=after.slice, most=asked.slices
    )
    assert asked.fills is not None
    last, has_more = after.fill, False
    if asked.latest:
        slices, fills = slices[::-1], _latest_fills(connection, order_id, most=asked.fills)
    else:
        keys, fills, has_more = _fills(connection, order_id, after.fill, most=asked.fills)
        last = keys[-1] if keys else last
    return OrderPage(
        order=to_order(row),
        asked=asked,
        slices=tuple(map(to_slice, slices)),
        fills=fills,
        last_fill=last,
        has_more_fills=has_more,
    )


def _fills(
    connection: sqlite3.Connection, order_id: str, after: FillKey, *, most: int
) -> tuple[list[FillKey], tuple[Fill, ...], bool]:
    """Fills from behind that one on, their places, and whether there are more."""
    keys, fills = list[FillKey](), list[Fill]()
    if not most:
        return keys, (), False
    index, n = after
    for row in _statements()["filled"].run(connection, order_id=order_id, slice_index=index, most=most + 2):
        if len(fills) > most:
            break
        at, first = row["slice_index"], n + 1 if row["slice_index"] == index else 0
        some = read_fills(at, row["fills"])[first:]
        keys += [(at, number) for number in range(first, first + len(some))]
        fills += some
    return keys[:most], tuple(fills[:most]), len(fills) > most


def _latest_fills(connection: sqlite3.Connection, order_id: str, *, most: int) -> tuple[Fill, ...]:
    rows = _statements()["latest_filled"].run(connection, order_id=order_id, most=most)
    found = [fill for row in rows[::-1] for fill in read_fills(row["slice_index"], row["fills"])]
    return tuple(found[-most:]) if most else ()


@cache
def _statements() -> dict[str, _Plain]:
    order_id: Any = bindparam("order_id")
    index: Any = bindparam("slice_index")
    most: Any = bindparam("most")
    return {
        "order": _plain(queries.one_by_token()),
        "slices": _plain(queries.slices_after(order_id, index, most)),
        "latest_slices": _plain(queries.latest_slices(order_id, most)),
        "filled": _plain(queries.filled_from(order_id, index, most)),
        "latest_filled": _plain(queries.latest_filled(order_id, most)),
    }


def _plain(statement: Select[Any]) -> _Plain:
    compiled = statement.compile(dialect=sqlite.dialect())
    columns = statement.selected_columns
    return _Plain(
        sql=str(compiled),
        parameters=tuple(compiled.positiontup or ()),
        columns=tuple(column.name for column in columns),
        exact=tuple(column.name for column in columns if isinstance(column.type, ExactDecimal)),
        fixed=compiled.params,
    )
