"""One order's slices and fills, read by key and a bounded number at a time, however many there are."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.orders.order import Fill, SliceResult
from twap_server.domain.orders.record import FillKey, PageRequest
from twap_server.store import queries
from twap_server.store.rows import Columns, to_fill, to_slice

_AT_ONCE = 250
"""Rows: others have their turn in between."""

_Item = TypeVar("_Item")
_Key = TypeVar("_Key")


async def read_slices(connection: AsyncConnection, order_id: str, asked: PageRequest) -> list[SliceResult]:
    """Read the slices of that page that have ended."""
    if asked.latest and asked.slices is not None:
        last = queries.latest_slices(order_id, asked.slices)
        return [to_slice(row) for row in reversed((await connection.execute(last)).mappings().all())]
    found, _ = await _walk(
        connection,
        lambda index, limit: queries.slices_after(order_id, index, limit),
        to_slice,
        lambda row: int(row["slice_index"]),
        after=asked.after.slice,
        limit=asked.slices,
    )
    return found


async def read_fills(
    connection: AsyncConnection, order_id: str, asked: PageRequest
) -> tuple[list[Fill], FillKey, bool]:
    """Read the fills of that page; give the key of the last one up to there, and whether more follow."""
    if asked.latest and asked.fills is not None:
        last = queries.latest_fills(order_id, asked.fills)
        rows = (await connection.execute(last)).mappings().all()
        return [to_fill(row) for row in reversed(rows)], asked.after.fill, False
    found, key = await _walk(
        connection,
        lambda key, limit: queries.fills_after(order_id, key, limit),
        to_fill,
        lambda row: (int(row["slice_index"]), int(row["n"])),
        after=asked.after.fill,
        limit=asked.fills,
    )
    if not asked.fills or len(found) < asked.fills:
        return found, key, False
    more = await connection.execute(queries.fills_after(order_id, key, 1))
    return found, key, more.first() is not None


async def _walk(
    connection: AsyncConnection,
    page: Callable[[_Key, int], Select[Any]],
    read: Callable[[Columns], _Item],
    key_of: Callable[[Columns], _Key],
    *,
    after: _Key,
    limit: int | None,
) -> tuple[list[_Item], _Key]:
    found: list[_Item] = []
    while limit is None or len(found) < limit:
        size = _AT_ONCE if limit is None else min(_AT_ONCE, limit - len(found))
        rows = (await connection.execute(page(after, size))).mappings().all()
        found += map(read, rows)
        if rows:
            after = key_of(rows[-1])
        if len(rows) < size:
            break
    return found, after
