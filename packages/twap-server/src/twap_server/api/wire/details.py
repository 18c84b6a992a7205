"""Write one order as JSON in pieces, so that a hundred thousand slices are never all in memory as models."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from twap_server.api.http.exact_json import Plain, written
from twap_server.api.wire import present
from twap_server.api.wire.large import LIGHT
from twap_server.domain.orders.record import OrderPage, PageRequest

_SLICES, _FILLS = b'"slices":[]', b'"fills":[]'
_AT_ONCE = 250
_Item = TypeVar("_Item")


def beginning_of(asked: PageRequest) -> PageRequest:
    """Ask for no more than is light to read and to write."""
    return replace(asked, slices=_at_most(asked.slices), fills=_at_most(asked.fills))


def is_whole(part: OrderPage, asked: PageRequest) -> bool:
    """Whether the beginning is all that was asked for."""
    if part.asked == asked:
        return True
    if asked.latest:
        return len(part.slices) < LIGHT and len(part.fills) < LIGHT
    return part.next is None


def size_of(page: OrderPage) -> int:
    """Items of the page, those still to come included."""
    return len(page.slices) + len(page.pending) + len(page.fills)


def detail_pieces(page: OrderPage) -> Sequence[bytes]:
    """What ``present.order_detail`` is in JSON."""
    written = DetailWriter()
    written.add(page)
    return written.pieces(page)


class DetailWriter:
    """Writes a page that comes in parts: of a part nothing is kept but what was written of it."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self._slices: list[bytes] = []
        self._fills: list[bytes] = []

    def add(self, part: OrderPage) -> None:
        """Write the slices that have ended and the fills of the next part."""
        self._slices += _items(part.slices, present.slice_body)
        self._fills += _items(part.fills, present.fill_body)

    def pieces(self, last: OrderPage) -> Sequence[bytes]:
        """Write the rest, once all parts were added; gives all of it."""
        empty = replace(last, slices=(), fills=(), asked=replace(last.asked, latest=True))
        before, between, behind = _frame(present.order_detail(empty).to_json())
        pending = _items(last.pending, partial(present.pending_body, last.order))
        slices = _joined(chain(self._slices, pending))
        return [before, *slices, between, *_joined(self._fills), behind]


async def written_in_parts(
    parts: AsyncGenerator[OrderPage, None], in_thread: Callable[[Callable[[], Any]], Awaitable[Any]]
) -> tuple[Sequence[bytes], OrderPage | None]:
    """Write what comes in parts, each of them in a thread; gives the last one, too. Without any: nothing."""
    detail, part = DetailWriter(), None
    async with aclosing(parts):
        async for part in parts:
            await in_thread(partial(detail.add, part))
    return ((), None) if part is None else (await in_thread(partial(detail.pieces, part)), part)


def _at_most(asked: int | None) -> int:
    return LIGHT if asked is None else min(asked, LIGHT)


def _frame(empty: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands before, between and behind the two lists."""
    before, _, rest = empty.partition(_SLICES)
    between, _, behind = rest.partition(_FILLS)
    return before + _SLICES[:-1], b"]" + between + _FILLS[:-1], b"]" + behind


def _items(found: Sequence[_Item], shown: Callable[[_Item], Plain]) -> Iterator[bytes]:
    """The items of a list, some at a time, without its brackets."""
    for begin in range(0, len(found), _AT_ONCE):
        yield written([shown(one) for one in found[begin : begin + _AT_ONCE]])[1:-1]


def _joined(parts: Iterable[bytes]) -> Iterator[bytes]:
    for number, part in enumerate(parts):
        yield b"," + part if number else part
