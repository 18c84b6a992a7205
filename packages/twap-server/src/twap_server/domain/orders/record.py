"""Describe what is recorded of one order: all of it for its execution report, or a page."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from twap_server.domain.clock import Nanos, seconds_text, to_text
from twap_server.domain.orders.order import Fill, Order, SliceResult
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Plan


class Hole(NamedTuple):
    """Where a recording has nothing: between two messages of an exchange."""

    begin: Nanos
    end: Nanos

    @property
    def words(self) -> str:
        """When, for a message."""
        return f"from {to_text(self.begin)} to {to_text(self.end)} ({seconds_text(self.end - self.begin)} s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order with what happened to it, all of the same moment."""

    order: Order
    slices: tuple[SliceResult, ...]
    """Those that have ended, in order."""
    fills: tuple[Fill, ...]
    """In the order they happened."""
    samples: tuple[Sample, ...]
    """Of its market, in time order."""
    plans: tuple[Plan, ...] = ()
    """Every revision of its plan, in order; without any there was one, the order's."""
    holes: tuple[Hole, ...] = ()
    """Of the recording that it was replayed on: those in its window; else the one that cost it its book."""


FillKey: TypeAlias = tuple[int, int]
"""Index of a fill's slice, and its number within."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePosition:
    """A place among an order's slices and fills: behind these two. Without any: at the beginning."""

    slice: int = -1
    fill: FillKey = (-1, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """How much of an order is wanted."""

    slices: int | None = None
    """At most so many; None: all."""
    fills: int | None = None
    after: PagePosition = PagePosition()
    latest: bool = False
    """Of the slices that have ended and of the fills the last ones, still in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRange:
    """Which of an order's events are wanted, when there are more than one answer holds."""

    since: int = 0
    """Those with a number above this, the first ones."""
    before: int | None = None
    """With ``latest``: those with a number below this; None: all."""
    latest: bool = False
    """The last ones, still in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """An order with some of its slices and fills, all of the same moment.

    A long one comes in parts: their slices and fills are together those of the page, and what is told beside
    them (``pending``, ``next``) is told by the last part.
    """

    order: Order
    asked: PageRequest
    slices: tuple[SliceResult, ...]
    """Those that have ended, in order."""
    fills: tuple[Fill, ...]
    last_fill: FillKey
    """Of the last fill up to here."""
    has_more_fills: bool
    slices_before: int = 0
    """In parts of the page that came before this one."""

    @property
    def pending(self) -> range:
        """The slices without an outcome that belong to this page, behind those that have ended."""
        if self.asked.latest:
            return range(0)
        first = max(self.order.progress.next_slice, self.asked.after.slice + 1)
        stop = max(first, self.order.plan.slice_count)
        if self.asked.slices is not None:
            stop = min(stop, first + self.asked.slices - self.slices_before - len(self.slices))
        return range(first, stop)

    @property
    def next(self) -> PagePosition | None:
        """Where the next page begins; None where this is the last."""
        if self.asked.latest or not (self._has_more_slices or self.has_more_fills):
            return None
        return PagePosition(slice=self._last_slice, fill=self.last_fill)

    @property
    def _last_slice(self) -> int:
        if self.pending:
            return self.pending[-1]
        return self.slices[-1].index if self.slices else self.asked.after.slice

    @property
    def _has_more_slices(self) -> bool:
        return self.asked.slices != 0 and self._last_slice < self.order.plan.slice_count - 1
