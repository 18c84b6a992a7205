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

from twap_server.domain.orders.record import FillKey, OrderPage, PageRequest
from twap_server.store import queries
from twap_server.store.columns import ExactDecimal
from twap_server.store.rows import to_fill, to_order, to_slice

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
    fills = _fills(connection, prefix, order_id, after.fill, most=asked.fills)
    last, has_more = after.fill, False
    if fills and not asked.latest:
        last = (int(fills[-1]["slice_index"]), int(fills[-1]["n"]))
        has_more = len(fills) == asked.fills and bool(_fills(connection, "", order_id, last, most=1))
    if asked.latest:
        slices, fills = slices[::-1], fills[::-1]
    return OrderPage(
        order=to_order(row),
        asked=asked,
        slices=tuple(map(to_slice, slices)),
        fills=tuple(map(to_fill, fills)),
        last_fill=last,
        has_more_fills=has_more,
    )


def _fills(
    connection: sqlite3.Connection, prefix: str, order_id: str, after: FillKey, *, most: int | None
) -> list[Mapping[str, Any]]:
    slice_index, n = after
    return _statements()[prefix + "fills"].run(
        connection, order_id=order_id, slice_index=slice_index, n=n, most=most
    )


@cache
def _statements() -> dict[str, _Plain]:
    order_id: Any = bindparam("order_id")
    index: Any = bindparam("slice_index")
    n: Any = bindparam("n")
    most: Any = bindparam("most")
    return {
        "order": _plain(queries.one_by_token()),
        "slices": _plain(queries.slices_after(order_id, index, most)),
        "latest_slices": _plain(queries.latest_slices(order_id, most)),
        "fills": _plain(queries.fills_after(order_id, (index, n), most)),
        "latest_fills": _plain(queries.latest_fills(order_id, most)),
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
