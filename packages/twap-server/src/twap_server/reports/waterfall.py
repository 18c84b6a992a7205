"""Draw the cost waterfall: from zero to the implementation shortfall, one bar for each part."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from xml.etree.ElementTree import Element

from twap_models.reading import number
from twap_models.report import Costs
from twap_server.domain import exact
from twap_server.reports.svg import LEFT, RIGHT, TOP, WIDTH, Scale, drawing, el, ticks
from twap_server.reports.words import short

PARTS = ("delay", "timing", "spread", "latency", "depth", "opportunity", "fees")
_HEIGHT, _BOTTOM = 300, 258
_BAR = 0.62
_LABEL = 14


def waterfall(costs: Costs, unit: str) -> Element | None:
    """Draw it; None where a part is not known."""
    amounts = [getattr(costs, name).amount for name in PARTS]
    whole = costs.implementation_shortfall.amount
    if whole is None or None in amounts:
        return None
    bars = list(_bars(amounts, whole))
    low, high = min(low for _, low, _, _ in bars), max(high for _, _, high, _ in bars)
    air = (high - low) / 8 or Decimal(1)
    y = Scale(low=low - air, high=high + air, begin=_BOTTOM, end=TOP)
    parts = [*_axis(y, unit)]
    for place, bar in enumerate(bars):
        parts += _bar(place, bar, y)
    return drawing("waterfall", "Cost waterfall", _words(amounts, whole, unit), _HEIGHT, parts)


_Span = tuple[str, Decimal, Decimal, Decimal]


def _bars(amounts: Sequence[Decimal], whole: Decimal) -> Iterator[_Span]:
    """Name, lower end, upper end and amount of each."""
    reached = exact.ZERO
    for name, part in zip(PARTS, amounts, strict=True):
        following = exact.add(reached, part)
        yield name, min(reached, following), max(reached, following), part
        reached = following
    yield "shortfall", min(exact.ZERO, whole), max(exact.ZERO, whole), whole


def _axis(y: Scale, unit: str) -> Iterator[Element]:
    step, values = ticks(y.low, y.high)
    places = max(0, -int(step.as_tuple().exponent))
    for value in values:
        kind = "grid" if value else "zero"
        yield el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(value), y2=y(value), class_=kind)
        yield el("text", f"{value:.{places}f}", x=LEFT - 8, y=y(value) + 4, class_="tick y")
    yield el("text", unit, x=LEFT - 8, y=TOP - 12, class_="tick y unit")


def _bar(place: int, bar: _Span, y: Scale) -> Iterator[Element]:
    name, low, high, part = bar
    width = (WIDTH - LEFT - RIGHT) / (len(PARTS) + 1)
    left, middle = LEFT + width * (place + (1 - _BAR) / 2), LEFT + width * (place + 0.5)
    kind = "whole" if name == "shortfall" else "cost" if part > 0 else "gain"
    yield el(
        "rect",
        el("title", f"{name}: {number(part)}"),
        x=left,
        y=y(high),
        width=width * _BAR,
        height=max(1.0, y(low) - y(high)),
        class_=f"bar {kind}",
    )
    above = part >= 0
    yield el("text", short(part), x=middle, y=y(high) - 6 if above else y(low) + _LABEL, class_="value")
    yield el("text", name, x=middle, y=_BOTTOM + 22, class_="tick x")


def _words(amounts: Sequence[Decimal], whole: Decimal, unit: str) -> str:
    parts = ", ".join(f"{name} {number(part)}" for name, part in zip(PARTS, amounts, strict=True))
    return f"{parts}; together an implementation shortfall of {number(whole)} {unit}."
