"""Read order events with what they refer to, a bounded number at a time, however many are asked for."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.orders.order import Fill, OrderEvent
from twap_server.store import queries
from twap_server.store.rows import Columns, to_event, to_fill, to_order, to_slice

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
    if not rows:
        return []
    told = queries.fills_of_events(rows[0]["user_id"], rows[0]["seq"], rows[-1]["seq"])
    of_slice: defaultdict[tuple[str, int], list[Fill]] = defaultdict(list)
    for row in (await connection.execute(told)).mappings():
        of_slice[row["order_id"], row["slice_index"]].append(to_fill(row))
    return [_to_event(row, of_slice[row["order_id"], row["slice_index"]]) for row in rows]


def _to_event(row: Columns, of_slice: Sequence[Fill]) -> OrderEvent:
    result = None
    if row["slice_index"] is not None:
        columns = {
            name.removeprefix(queries.OF_SLICE): value
            for name, value in row.items()
            if name.startswith(queries.OF_SLICE)
        }
        result = to_slice({**columns, "slice_index": row["slice_index"]})
    return to_event(row, order=to_order(row), result=result, fills=of_slice)
