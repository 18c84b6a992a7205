"""Read one order's slices and fills by key, a bounded number at a time, however many there are."""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import RowMapping, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.orders.order import Fill, Order
from twap_server.domain.orders.record import OrderPage, PageRequest
from twap_server.store import queries
from twap_server.store.fill_texts import read_fills
from twap_server.store.rows import to_slice

_AT_ONCE = 250
"""Rows: others have their turn in between."""

_Key = TypeVar("_Key")


async def read_parts(
    connection: AsyncConnection, order: Order, asked: PageRequest
) -> AsyncGenerator[OrderPage, None]:
    """Read that page of an order in parts: of a long order nothing here ever holds the whole."""
    part = OrderPage(
        order=order, asked=asked, slices=(), fills=(), last_fill=asked.after.fill, has_more_fills=False
    )
    slices, fills = _slices(order.terms.order_id, asked), _Fills(order.terms.order_id, asked)
    while rows := await slices.read(connection):
        if part.slices:
            yield part
        before = part.slices_before + len(part.slices)
        part = replace(part, slices=tuple(map(to_slice, rows)), slices_before=before)
    while found := await fills.read(connection):
        if part.fills:
            yield replace(part, slices=())  # the last part has them
        part = replace(part, fills=found)
    yield replace(part, last_fill=fills.after, has_more_fills=await fills.has_more(connection))


async def read_page(connection: AsyncConnection, order: Order, asked: PageRequest) -> OrderPage:
    """Read that page of an order as a whole."""
    parts = [part async for part in read_parts(connection, order, asked)]
    return replace(
        parts[-1],
        slices=tuple(one for part in parts for one in part.slices),
        fills=tuple(one for part in parts for one in part.fills),
        slices_before=0,
    )


def _slices(order_id: str, asked: PageRequest) -> "_Walk[int]":
    """Those of the page that have ended."""
    latest = asked.latest and asked.slices is not None
    return _Walk(
        lambda index, most: (
            queries.latest_slices(order_id, most) if latest else queries.slices_after(order_id, index, most)
        ),
        lambda row: int(row["slice_index"]),
        after=asked.after.slice,
        left=asked.slices,
        latest=latest,
    )


@dataclass(slots=True)
class _Walk(Generic[_Key]):
    """Rows from behind a key on, some at a time; or the latest so many, in order and at once."""

    statement: Callable[[_Key, int], Select[Any]]
    key_of: Callable[[RowMapping], _Key]
    after: _Key
    """Of the last row up to here."""
    left: int | None
    """Rows that are still wanted; None: all."""
    latest: bool
    was_cut: bool = False
    """Whether as many came as were wanted, so that there may be more."""

    async def read(self, connection: AsyncConnection) -> Sequence[RowMapping]:
        """Read on; nothing at the end."""
        if self.left == 0:
            return ()
        size = _AT_ONCE if self.left is None else self.left if self.latest else min(_AT_ONCE, self.left)
        found = await connection.execute(self.statement(self.after, size))
        rows: Sequence[RowMapping] = found.mappings().all()
        if self.latest:
            self.left = 0
            return rows[::-1]
        if rows:
            self.after = self.key_of(rows[-1])
        if self.left is not None:
            self.left -= len(rows)
            self.was_cut = not self.left
        if len(rows) < size:
            self.left = 0
        return rows

    async def has_more(self, connection: AsyncConnection) -> bool:
        """Whether there are rows behind those that were wanted."""
        if not self.was_cut:
            return False
        return (await connection.execute(self.statement(self.after, 1))).first() is not None


class _Fills:
    """The same of fills, which lie within their slices' rows: those are taken apart one by one."""

    def __init__(self, order_id: str, asked: PageRequest) -> None:
        self._order_id, self.after, self._left = order_id, asked.after.fill, asked.fills
        """``after``: of the last fill up to here."""
        self._latest = asked.latest and asked.fills is not None
        self._rows: deque[tuple[int, str]] = deque()
        self._next, self._is_at_end, self._was_cut = asked.after.fill[0], False, False

    async def read(self, connection: AsyncConnection) -> tuple[Fill, ...]:
        """Read on; nothing at the end."""
        if self._left == 0:
            return ()
        size = _AT_ONCE if self._left is None else self._left if self._latest else min(_AT_ONCE, self._left)
        if self._latest:
            self._left = 0
            rows = (await connection.execute(queries.latest_filled(self._order_id, size))).all()
            return tuple(fill for row in rows[::-1] for fill in read_fills(*row))[-size:]
        found = await self._read(connection, size)
        if self._left is not None:
            self._left -= len(found)
            self._was_cut = not self._left
        return tuple(found)

    async def has_more(self, connection: AsyncConnection) -> bool:
        """Whether there are fills behind those that were wanted."""
        return self._was_cut and await self._has_row(connection)

    async def _read(self, connection: AsyncConnection, size: int) -> list[Fill]:
        found: list[Fill] = []
        while len(found) < size and await self._has_row(connection):
            index, text = self._rows[0]
            of_slice = read_fills(index, text)
            first = self.after[1] + 1 if index == self.after[0] else 0
            some = of_slice[first : first + size - len(found)]
            found += some
            if some:
                self.after = (index, first + len(some) - 1)
            if first + len(some) >= len(of_slice):
                self._rows.popleft()
        return found

    async def _has_row(self, connection: AsyncConnection) -> bool:
        """Whether fills are left to be given; fetches slices where that is not known."""
        if not self._rows and not self._is_at_end:
            size = _AT_ONCE if self._left is None else min(_AT_ONCE, self._left + 1)
            asked = queries.filled_from(self._order_id, self._next, size)
            self._rows.extend(map(tuple, (await connection.execute(asked)).all()))
            self._is_at_end = len(self._rows) < size
            if self._rows:
                self._next = self._rows[-1][0] + 1
        return bool(self._rows)
