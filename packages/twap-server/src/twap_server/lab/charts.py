"""Draw a tournament: how costs are spread, what differences are shown, cost against risk, cost by part.

Ink only: every figure drawn stands in a table beside it, digit for digit. Each chart is drawn twice, for a
wide page and for a phone: squeezed into a phone's width, the words of a wide one could not be read. The style
of the page shows the one that fits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element

from twap_models.lab import CostSpread, PairedDifference, StrategyResult
from twap_models.reading import number
from twap_server.domain import exact
from twap_server.reports.svg import RIGHT, TOP, WIDTH, Scale, drawing, el, ticks

_UNDER = 44
_SQUARE = 380
_DOT = 6
_CAP = 7
_BAR = 16
_LINE = 15
"""Ink of a line of words."""
_SPAN: TypeAlias = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a chart is drawn on. Lengths are ink."""

    kind: str
    """As the page's style calls it."""
    width: int
    begin: int
    """Where rows begin, right of names that stand beside them."""
    upright: int
    """Where a chart with an axis upwards begins."""
    right: int
    row: int
    middle: float
    """Of a row, where its bar is."""
    letter: float
    short: int
    """Letters of a name that fit; its title has all."""
    ticks: int


WIDE: Final = Sheet(
    kind="broad", width=WIDTH, begin=190, upright=190, right=RIGHT, row=46, middle=23, letter=7.5, short=22,
    ticks=6,
)  # fmt: skip
PHONE: Final = Sheet(
    kind="phone", width=380, begin=8, upright=64, right=16, row=56, middle=38, letter=8.5, short=40, ticks=4
)
"""Names stand above their rows."""


def for_each_width(
    draw: Callable[[Sequence[StrategyResult], Sheet], Element], found: Sequence[StrategyResult]
) -> Iterator[Element]:
    """The same chart for a wide page and for a phone."""
    return (draw(found, sheet) for sheet in (WIDE, PHONE))


def spread_chart(found: Sequence[StrategyResult], sheet: Sheet) -> Element:
    """One row for each strategy: 5 to 95 %, the median and the mean."""
    known = [(one.strategy, one.cost) for one in found if one.cost is not None]
    x = _scale(sheet, [value for _, cost in known for value in (cost.p5, cost.p95, cost.mean)])
    height = TOP + sheet.row * len(known) + _UNDER
    parts = [*_axis(sheet, x, height, "cost, bps")]
    for place, (name, cost) in enumerate(known):
        parts += _spread_row(name, cost, sheet, place, x)
    words = "; ".join(
        f"{name}: 5 to 95 % {number(cost.p5)} to {number(cost.p95)}, mean {number(cost.mean)}"
        for name, cost in known
    )
    return _drawing(sheet, "Cost of each strategy", words, height, parts)


def difference_chart(found: Sequence[StrategyResult], sheet: Sheet) -> Element:
    """One row for each strategy: the mean paired difference and its interval, beside zero."""
    known = [(one.strategy, one.difference) for one in found if one.difference is not None]
    values = [value for _, one in known for value in (one.low, one.high, one.mean) if value is not None]
    x = _scale(sheet, [*values, exact.ZERO])
    height = TOP + sheet.row * len(known) + _UNDER
    parts = [*_axis(sheet, x, height, "difference, bps")]
    for place, (name, one) in enumerate(known):
        parts += _difference_row(name, one, sheet, place, x)
    words = "; ".join(f"{name}: {number(one.mean)}, {one.verdict.value}" for name, one in known)
    return _drawing(sheet, "Paired difference", words, height, parts)


def risk_chart(found: Sequence[StrategyResult], sheet: Sheet) -> Element:
    """A dot for each strategy: its risk to the right, its cost upwards."""
    known = [(one.strategy, one.cost) for one in found if one.cost is not None]
    x = _scale(sheet, [exact.ZERO, *(cost.deviation for _, cost in known)], begin=sheet.upright)
    low, high = _room([cost.mean for _, cost in known])
    y = Scale(low=low, high=high, begin=_SQUARE - _UNDER, end=TOP)
    parts = [*_axis(sheet, x, _SQUARE, "risk: standard deviation of the cost, bps"), *_upright(sheet, y)]
    taken = [(x(cost.deviation), y(cost.mean)) for _, cost in known]
    for name, cost in known:
        at, up = x(cost.deviation), y(cost.mean)
        title = f"{name}: cost {number(cost.mean)}, risk {number(cost.deviation)} bps"
        parts += [_dot(at, up, "fill", title), _label(sheet, name, at, up, taken)]
    words = "; ".join(f"{name}: {number(one.mean)} at risk {number(one.deviation)}" for name, one in known)
    return _drawing(sheet, "Cost against risk", words, _SQUARE, parts)


def _label(sheet: Sheet, full_name: str, at: float, up: float, taken: list[tuple[float, float]]) -> Element:
    """Beside its dot, moved up or down as far as it must be to meet no dot and none of those before."""
    is_left = at > sheet.width * 2 / 3 or (at > sheet.width / 2 and sheet is PHONE)
    place = at - 2 * _DOT if is_left else at + 2 * _DOT
    room = int((place if is_left else sheet.width - place) / sheet.letter)
    name = _short(full_name, min(room, sheet.short))
    width = sheet.letter * len(name)
    left = place - width if is_left else place
    moves = sorted(range(-8, 9), key=abs)
    free = (up + move * _LINE for move in moves if not _meets(sheet, left, up + move * _LINE, width, taken))
    height = next(free, up)
    taken += [(left + letter * sheet.letter, height) for letter in range(len(name))]
    return _words(name, place, height + 4, "end" if is_left else "start")


def _meets(
    sheet: Sheet, left: float, height: float, width: float, taken: Sequence[tuple[float, float]]
) -> bool:
    return any(left - sheet.letter < x < left + width and abs(y - height) < _LINE for x, y in taken)


def parts_chart(found: Sequence[StrategyResult], sheet: Sheet) -> Element:
    """One row for each strategy: its parts end to end, costs to the right of zero and gains to the left."""
    known = [(one.strategy, one.parts) for one in found if one.parts]
    ends = [end for _, parts in known for _, *span in _stacked(parts) for end in span]
    x = _scale(sheet, [*ends, exact.ZERO])
    height = TOP + sheet.row * len(known) + _UNDER
    made = [*_axis(sheet, x, height, "mean cost by part, bps")]
    for place, (name, parts) in enumerate(known):
        made += _parts_row(name, parts, sheet, place, x)
    words = "; ".join(f"{name}: {_listed(parts)}" for name, parts in known)
    return _drawing(sheet, "Cost by part", words, height, made)


def _spread_row(name: str, cost: CostSpread, sheet: Sheet, place: int, x: Scale) -> Iterator[Element]:
    middle = _middle(sheet, place)
    yield _name(sheet, name, place)
    title = f"{name}: 5 % {number(cost.p5)}, median {number(cost.median)}, 95 % {number(cost.p95)}"
    yield _bar(x(cost.p5), x(cost.p95), middle, "spread", title)
    yield _line(x(cost.median), middle - _BAR / 2, x(cost.median), middle + _BAR / 2, "median")
    yield el(
        "circle", el("title", f"mean {number(cost.mean)}"), cx=x(cost.mean), cy=middle, r=5, class_="fill"
    )


def _difference_row(
    name: str, one: PairedDifference, sheet: Sheet, place: int, x: Scale
) -> Iterator[Element]:
    middle = _middle(sheet, place)
    yield _name(sheet, name, place)
    kind = f"interval {one.verdict.name.lower()}"
    if one.low is not None and one.high is not None:
        low, high = x(one.low), x(one.high)
        yield _line(low, middle, high, middle, kind)
        yield _line(low, middle - _CAP, low, middle + _CAP, kind)
        yield _line(high, middle - _CAP, high, middle + _CAP, kind)
    title = f"{name}: {number(one.mean)} bps, {one.verdict.value}"
    yield el(
        "circle", el("title", title), cx=x(one.mean), cy=middle, r=5, class_=f"dot {one.verdict.name.lower()}"
    )


def _parts_row(name: str, parts: dict[str, Decimal], sheet: Sheet, place: int, x: Scale) -> Iterator[Element]:
    middle = _middle(sheet, place)
    yield _name(sheet, name, place)
    for part, low, high in _stacked(parts):
        yield _bar(x(low), x(high), middle, f"part {part}", f"{name}, {part}: {number(parts[part])} bps")
    whole = exact.total(parts.values())
    yield _line(x(whole), middle - _BAR, x(whole), middle + _BAR, "median")


def _stacked(parts: dict[str, Decimal]) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Name, lower and upper end of each part that is not zero."""
    up = down = exact.ZERO
    for name, value in parts.items():
        if value > 0:
            yield name, up, (up := exact.add(up, value))
        elif value < 0:
            before, down = down, exact.add(down, value)
            yield name, down, before


def _listed(parts: dict[str, Decimal]) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in parts.items())


def _drawing(sheet: Sheet, title: str, words: str, height: int, parts: Sequence[Element]) -> Element:
    name = f"{title.lower().replace(' ', '-')}-{sheet.kind}"
    return drawing(name, title, words, height, parts, width=sheet.width, kind=sheet.kind)


def _scale(sheet: Sheet, values: Sequence[Decimal], *, begin: int | None = None) -> Scale:
    low, high = _room(values)
    return Scale(low=low, high=high, begin=begin or sheet.begin, end=sheet.width - sheet.right)


def _room(values: Sequence[Decimal]) -> _SPAN:
    """From the lowest to the highest value, with a little air; some room where all are one."""
    low, high = min(values, default=exact.ZERO), max(values, default=exact.ZERO)
    air = exact.subtract(high, low) / 16 or Decimal(1)
    return low - air, high + air


def _axis(sheet: Sheet, x: Scale, height: int, unit: str) -> Iterator[Element]:
    """Ticks below, and a line at zero."""
    step, values = ticks(x.low, x.high, sheet.ticks)
    places, bottom = max(0, -int(step.as_tuple().exponent)), height - _UNDER
    for value in values:
        at = x(value)
        yield _line(at, TOP - 8, at, bottom, "grid" if value else "zero")
        yield el("text", f"{value:.{places}f}", x=at, y=bottom + 18, class_="tick x")
    yield el("text", unit, x=(x.begin + x.end) / 2, y=bottom + 38, class_="tick x unit")


def _upright(sheet: Sheet, y: Scale) -> Iterator[Element]:
    step, values = ticks(y.low, y.high)
    places = max(0, -int(step.as_tuple().exponent))
    for value in values:
        begin, end = sheet.upright, sheet.width - sheet.right
        yield _line(begin, y(value), end, y(value), "grid" if value else "zero")
        yield el("text", f"{value:.{places}f}", x=begin - 8, y=y(value) + 4, class_="tick y")
    yield _words("mean cost, bps", 4, TOP - 8, "start")


def _middle(sheet: Sheet, place: int) -> float:
    return TOP + sheet.row * place + sheet.middle


def _name(sheet: Sheet, name: str, place: int) -> Element:
    """Beside its row, or above it."""
    text = _short(name, sheet.short)
    if sheet is PHONE:
        return el("text", text, x=sheet.begin, y=TOP + sheet.row * place + _LINE, class_="name")
    middle = _middle(sheet, place)
    return el("text", el("title", name), text, x=sheet.begin - 12, y=middle + 4, class_="tick y name")


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _bar(low: float, high: float, middle: float, kind: str, title: str) -> Element:
    width = max(1.0, round(high - low, 2))
    return el("rect", el("title", title), x=low, y=middle - _BAR / 2, width=width, height=_BAR, class_=kind)


def _dot(x: float, y: float, kind: str, title: str) -> Element:
    return el("circle", el("title", title), cx=x, cy=y, r=_DOT, class_=kind)


def _words(text: str, x: float, y: float, anchor: str) -> Element:
    return el("text", text, x=x, y=y, text_anchor=anchor, class_="name")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Element:
    return el("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)
