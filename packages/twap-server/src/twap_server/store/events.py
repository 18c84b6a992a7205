"""Read order events with what they refer to, a bounded number at a time, however many are asked for."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.orders.order import Fill, OrderEvent
from twap_server.store import queries
from twap_server.store.fill_texts import read_fills
from twap_server.store.rows import Columns, to_event, to_order, to_slice

_AT_ONCE = 100
"""Rows: others have their turn in between."""


async def read_events(
    connection: AsyncConnection, statement: Callable[[int, int], Select[Any]], since: int, limit: int
) -> list[OrderEvent]:
    """Read events with ``seq > since``, in order; ``statement`` takes the seq and how many."""
    found: list[OrderEvent] = []
    while len(found) < limit:
        size = min(_AT_ONCE, limit - len(found))
        some = await _read(connection, statement(since, size))
        found += some
        if len(some) < size:
            break
        since = some[-1].seq
    return found


async def _read(connection: AsyncConnection, statement: Select[Any]) -> list[OrderEvent]:
    rows = (await connection.execute(statement)).mappings().all()
    return [_to_event(row) for row in rows]


def _to_event(row: Columns) -> OrderEvent:
    result, fills = None, tuple[Fill, ...]()
    if row["slice_index"] is not None:
        columns = {
            name.removeprefix(queries.OF_SLICE): value
            for name, value in row.items()
            if name.startswith(queries.OF_SLICE)
        }
        result = to_slice({**columns, "slice_index": row["slice_index"]})
        fills = read_fills(result.index, columns["fills"])
    return to_event(row, order=to_order(row), result=result, fills=fills)
