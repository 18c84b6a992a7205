"""Draw the charts over time: prices with fills and missed slices, and schedule against filled quantity."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar
from xml.etree.ElementTree import Element

from twap_models.enums import SliceOutcome
from twap_models.reading import number
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.market.symbols import assets_of
from twap_server.domain.orders.order import Fill, Order
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.prices import Measured, end_of, longest_hold, mids_of
from twap_server.reports.svg import PlotArea, drawing, el, frame
from twap_server.reports.words import moment

_HEIGHT = 330
_MOST_POINTS = 2_000
_MOST_DOTS = 400
_LARGEST_DOT, _SMALLEST_DOT = 7.0, 1.8
_FAR = 2
"""A limit further away than this many heights of the picture is told, not drawn."""

_T = TypeVar("_T")


def window(order: Order) -> tuple[Nanos, Nanos]:
    """From the effective start to the end, to come or past."""
    end = end_of(order)
    return order.terms.start, max(order.terms.start, order.plan.end if end is None else end)


def limit_is_drawn(record: OrderRecord) -> bool:
    """Whether the limit lies near enough to the prices to be in the picture."""
    limit = record.order.plan.limit
    low, high = _price_range(record)
    height = max(exact.subtract(high, low), exact.multiply(high, Decimal("0.0001")))
    near = exact.multiply(height, Decimal(_FAR))
    return limit is not None and exact.subtract(low, near) <= limit <= exact.add(high, near)


def price_chart(record: OrderRecord) -> Element:
    """The mid over time, fills as dots sized by quantity, missed slices, average and limit."""
    order, (begin, end) = record.order, window(record.order)
    low, high = _price_range(record)
    limit = order.plan.limit
    if limit is not None and limit_is_drawn(record):
        low, high = min(low, limit), max(high, limit)
    axes = frame(low, high, begin, end, _HEIGHT)
    parts = [*axes.axes(_quote(order)), *_missed(record, axes)]
    parts.append(axes.step_path(_thinned([*_mids(record, begin, end)]), "mid"))
    if order.average_price is not None:
        parts.append(axes.level(order.average_price, "average"))
    if limit is not None and limit_is_drawn(record):
        parts.append(axes.level(limit, "limit"))
    parts += _dots(record.fills, axes)
    title = "Price over time"
    return drawing("price", title, _price_words(record), _HEIGHT, parts)


def schedule_chart(record: OrderRecord) -> Element:
    """Where the schedule wanted the order to be, and where it was."""
    order, (begin, end) = record.order, window(record.order)
    axes = frame(exact.ZERO, order.plan.quantity, begin, end, _HEIGHT)
    parts = axes.axes(_base(order))
    parts.append(axes.step_path(_thinned([*_wanted(record, begin, end)]), "wanted"))
    parts.append(axes.step_path(_thinned([*_filled(record.fills, begin, end)]), "filled"))
    filled, quantity = number(order.progress.filled), number(order.plan.quantity)
    words = f"Two rising step lines from zero: the schedule's target up to {quantity}, and {filled} filled."
    return drawing("schedule", "Schedule against filled", words, _HEIGHT, parts)


def _price_range(record: OrderRecord) -> tuple[Decimal, Decimal]:
    begin, end = window(record.order)
    known = [one.mid for one in mids_of(record) if one.mid is not None and begin <= one.time <= end]
    known += [one.price for one in record.fills]
    return (min(known), max(known)) if known else (exact.ZERO, Decimal(1))


def _mids(record: OrderRecord, begin: Nanos, end: Nanos) -> Iterator[tuple[int, Decimal | None]]:
    """Each mid while it stands; nothing where none was measured for long."""
    inside = [one for one in mids_of(record) if begin <= one.time <= end]
    longest = longest_hold(record.order)
    for one, following in pairwise([*inside, Measured(time=end, mid=None)]):
        yield one.time, one.mid
        if following.time > one.time + longest:
            yield one.time + longest, None
    yield end, None


def _thinned(points: Sequence[_T]) -> list[_T]:
    """At most so many of them, evenly chosen, first and last always."""
    step = max(1, -(-len(points) // _MOST_POINTS))
    last = [] if not points or (len(points) - 1) % step == 0 else points[-1:]
    return [*points[::step], *last]


def _dots(fills: Sequence[Fill], axes: PlotArea) -> Iterator[Element]:
    largest = max((fill.quantity for fill in fills), default=exact.ZERO)
    for group in _grouped(fills):
        quantity = exact.total(fill.quantity for fill in group)
        notional = exact.total(exact.multiply(fill.price, fill.quantity) for fill in group)
        price = group[0].price if len(group) == 1 else exact.ratio(notional, quantity)
        size = float(min(Decimal(1), quantity / largest)) ** 0.5 * _LARGEST_DOT
        exchanges = ", ".join(dict.fromkeys(fill.exchange for fill in group))
        yield el(
            "circle",
            el("title", f"{moment(group[0].time)}: {number(quantity)} at {number(price)} on {exchanges}"),
            cx=axes.x(group[0].time),
            cy=axes.y(price),
            r=max(_SMALLEST_DOT, size),
            class_="fill",
        )


def _grouped(fills: Sequence[Fill]) -> list[Sequence[Fill]]:
    """Single fills while they can be told apart, else as many together as it takes."""
    size = max(1, -(-len(fills) // _MOST_DOTS))
    return [fills[first : first + size] for first in range(0, len(fills), size)]


def _missed(record: OrderRecord, axes: PlotArea) -> Iterator[Element]:
    marked = (SliceOutcome.MISSED, SliceOutcome.PARTIAL)
    for one in _thinned([one for one in record.slices if one.outcome in marked]):
        at = axes.x(one.decided_at)
        reason = one.reason.value if one.reason else ""
        yield el(
            "path",
            el("title", f"{moment(one.due)}: slice {one.index + 1} {one.outcome.value} ({reason})"),
            d=f"M{at - 4} {axes.bottom - 9}l8 8m0 -8l-8 8",
            class_=f"mark {one.outcome.value}",
        )


def _wanted(record: OrderRecord, begin: Nanos, end: Nanos) -> Iterator[tuple[int, Decimal]]:
    yield begin, exact.ZERO
    for one in record.slices:
        yield max(begin, min(one.due, end)), one.target
    schedule = record.order.schedule
    for index in range(record.order.progress.next_slice, schedule.count):
        if schedule.due(index) <= end:
            yield schedule.due(index), schedule.target(index)
    yield end, schedule.target(schedule.count - 1) if record.order.status.is_open else _last_target(record)


def _last_target(record: OrderRecord) -> Decimal:
    return record.slices[-1].target if record.slices else exact.ZERO


def _filled(fills: Sequence[Fill], begin: Nanos, end: Nanos) -> Iterator[tuple[int, Decimal]]:
    filled = exact.ZERO
    yield begin, filled
    for one in fills:
        filled = exact.add(filled, one.quantity)
        yield one.time, filled
    yield end, filled


def _price_words(record: OrderRecord) -> str:
    order, (low, high) = record.order, _price_range(record)
    fills = f"{len(record.fills)} fills"
    if order.average_price is not None:
        fills += f" at {number(order.average_price)} on average"
    missed = sum(one.outcome is SliceOutcome.MISSED for one in record.slices)
    return f"The mid moved between {number(low)} and {number(high)}; {fills}; {missed} slices missed."


def _base(order: Order) -> str:
    return assets_of(order.terms.instrument.symbol)[0] if order.terms.instrument else ""


def _quote(order: Order) -> str:
    return assets_of(order.terms.instrument.symbol)[1] if order.terms.instrument else ""
