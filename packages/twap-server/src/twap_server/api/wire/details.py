"""One order as JSON, written in pieces: a hundred thousand slices are never all models at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TypeVar

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
    empty = replace(page, slices=(), fills=(), asked=replace(page.asked, latest=True))
    before, between, behind = _frame(present.order_detail(empty).to_json())
    slices = _items(page.slices, present.slice_body)
    pending = _items(page.pending, partial(present.pending_body, page.order))
    fills = _items(page.fills, present.fill_body)
    return [before, *_joined(chain(slices, pending)), between, *_joined(fills), behind]


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


def _joined(parts: Iterator[bytes]) -> Iterator[bytes]:
    for number, part in enumerate(parts):
        yield b"," + part if number else part
