"""Make SVG and HTML: elements that escape their text, scales and round ticks.

Everything is built as an element tree, so no text of an order can become markup. Positions are floats: they
are ink on a page, never a figure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from xml.etree.ElementTree import Element

from twap_server.domain.clock import SECOND, to_datetime

WIDTH, LEFT, RIGHT, TOP = 960, 92, 36, 26
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
_MOST_TIME_TICKS = 8


def el(tag: str, *children: "Element | str | None", **attributes: object) -> Element:
    """Make an element; ``class_`` becomes ``class``, ``stroke_width`` ``stroke-width``; None is left out."""
    given = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    made = Element(tag, {name: _text(value) for name, value in given.items() if value is not None})
    for child in children:
        if isinstance(child, str):
            _append_text(made, child)
        elif child is not None:
            made.append(child)
    return made


def drawing(
    name: str,
    title: str,
    description: str,
    height: int,
    parts: Iterable[Element],
    *,
    width: int = WIDTH,
    kind: str | None = None,
) -> Element:
    """One chart: an image with a title and a description for those who cannot see it."""
    return el(
        "svg",
        el("title", title, id=f"{name}-title"),
        el("desc", description, id=f"{name}-desc"),
        *parts,
        viewBox=f"0 0 {width} {height}",
        class_=kind,
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        preserveAspectRatio="xMidYMid meet",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Maps values from ``low`` to ``high`` onto ink from ``begin`` to ``end``."""

    low: Decimal
    high: Decimal
    begin: float
    end: float

    def __call__(self, value: Decimal | int) -> float:
        share = float((Decimal(value) - self.low) / (self.high - self.low)) if self.high > self.low else 0.5
        return round(self.begin + share * (self.end - self.begin), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotArea:
    """The axes of a chart over time: x is nanoseconds, y any quantity."""

    x: Scale
    y: Scale
    bottom: float

    def axes(self, unit: str) -> list[Element]:
        """Grid, ticks and their labels."""
        step, values = ticks(self.y.low, self.y.high)
        places = max(0, -int(step.as_tuple().exponent))
        parts = [
            part
            for value in values
            for part in (
                _line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value), "grid"),
                el("text", f"{value:.{places}f}", x=LEFT - 8, y=self.y(value) + 4, class_="tick y"),
            )
        ]
        for moment in time_ticks(int(self.x.low), int(self.x.high)):
            at = self.x(moment)
            parts.append(_line(at, TOP, at, self.bottom, "grid"))
            label = to_datetime(moment).strftime("%H:%M:%S")
            parts.append(el("text", label, x=at, y=self.bottom + 18, class_="tick x"))
        parts.append(el("text", unit, x=LEFT - 8, y=TOP - 12, class_="tick y unit"))
        return parts

    def level(self, value: Decimal, kind: str) -> Element:
        """A line across."""
        return _line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value), kind)

    def step_path(self, points: Iterable[tuple[int, Decimal | None]], kind: str) -> Element:
        """A line that keeps each value until the next one; None lifts the pen."""
        parts, down = list[str](), False
        for moment, value in points:
            at = self.x(moment)
            if down:
                parts.append(f"H{at}")
            if value is not None:
                parts.append(f"V{self.y(value)}" if down else f"M{at} {self.y(value)}")
            down = value is not None
        return el("path", d="".join(parts) or "M0 0", class_=kind)


def frame(low: Decimal, high: Decimal, begin: int, end: int, height: int) -> PlotArea:
    """Axes for these values and times, with some air above and below; of one moment, seconds around it."""
    if end - begin < SECOND:
        begin, end = begin - SECOND, end + SECOND
    air = (high - low) / 20 or abs(high) / 10_000 or Decimal(1)
    bottom = height - 30
    return PlotArea(
        x=Scale(low=Decimal(begin), high=Decimal(end), begin=LEFT, end=WIDTH - RIGHT),
        y=Scale(low=low - air, high=high + air, begin=bottom, end=TOP),
        bottom=bottom,
    )


def ticks(low: Decimal, high: Decimal, most: int = 6) -> tuple[Decimal, list[Decimal]]:
    """A round step (1, 2 or 5 times a power of ten) and its multiples from ``low`` to ``high``."""
    rough = (high - low) / most
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough).normalize()
    value = (low / step).to_integral_value(ROUND_CEILING) * step
    found = []
    while value <= high:
        found.append(value + 0)
        value += step
    return step, found


def time_ticks(begin: int, end: int) -> list[int]:
    """Round moments of UTC from ``begin`` to ``end``, in nanoseconds."""
    days = -(-(end - begin) // (_MOST_TIME_TICKS * 86_400 * SECOND))
    steps = [step * SECOND for step in (*_TIME_STEPS, 86_400 * max(1, days))]
    step = next(step for step in steps if (end - begin) // step <= _MOST_TIME_TICKS)
    first = -(-begin // step) * step
    return list(range(first, end + 1, step))


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Element:
    return el("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def _append_text(made: Element, text: str) -> None:
    if len(made):
        made[-1].tail = (made[-1].tail or "") + text
    else:
        made.text = (made.text or "") + text


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
