"""Draw candles on a terminal: a column each, prices on the right, volumes below. Pure.

A column is one candle, not one moment: where an exchange leaves out intervals without a trade, nothing is put
in their place.
"""

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from twap_client.cli.figures import stamp
from twap_models import Candle
from twap_models.reading import number

HEIGHT = 16
"""Rows of prices."""
_ROSE, _FELL, _WICK = "█", "░", "│"
_STYLES = {True: "green", False: "red"}
_BARS = "▁▂▃▄▅▆▇█"
_LEGEND = f"{_ROSE} rose or stayed  {_FELL} fell"


class CandleChart:
    """As many of the newest candles as the width holds."""

    def __init__(self, title: str, candles: Sequence[Candle], *, height: int = HEIGHT) -> None:
        """Args: candles: oldest first, at least one."""
        self._title = title
        self._candles = candles
        self._height = height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give title, rows of prices, volumes, times."""
        labels = len(max(map(number, _extremes(self._candles)), key=len)) + 1
        shown = self._candles[-max(1, options.max_width - labels) :]
        yield Text(f"{self._title}, {stamp(shown[0].open_time)} to {stamp(shown[-1].open_time)} UTC")
        yield from _rows(shown, self._height)
        yield _volumes(shown)
        yield Text(_legend(shown), style="dim")


def _extremes(candles: Sequence[Candle]) -> tuple[Decimal, Decimal]:
    return min(one.low for one in candles), max(one.high for one in candles)


def _rows(candles: Sequence[Candle], height: int) -> RenderResult:
    low, high = _extremes(candles)
    last = _row_of(candles[-1].close, low, high, height)
    marks = ({0: high, height - 1: low} if high > low else {}) | {last: candles[-1].close}
    for row in range(height):
        line = Text(no_wrap=True)
        for one in candles:
            line.append(_glyph(one, row, low, high, height), style=_STYLES[one.close >= one.open])
        if row in marks:
            line.append(f" {number(marks[row])}", style="bold" if row == last else "dim")
        yield line


def _row_of(price: Decimal, low: Decimal, high: Decimal, height: int) -> int:
    """In which row a price lies; row 0 is the highest."""
    if high == low:
        return height // 2
    return min(height - 1, int((high - price) * height / (high - low)))


def _glyph(one: Candle, row: int, low: Decimal, high: Decimal, height: int) -> str:
    top, bottom, opens, closes = (
        _row_of(price, low, high, height) for price in (one.high, one.low, one.open, one.close)
    )
    if min(opens, closes) <= row <= max(opens, closes):
        return _ROSE if one.close >= one.open else _FELL
    return _WICK if top <= row <= bottom else " "


def _volumes(candles: Sequence[Candle]) -> Text:
    most = max(one.volume for one in candles)
    bars = [_BARS[min(7, int(one.volume * 8 / most))] if one.volume else " " for one in candles]
    return Text.assemble(("".join(bars), "cyan"), (f" {number(most)}" if most else "", "dim"), no_wrap=True)


def _legend(candles: Sequence[Candle]) -> str:
    words = [_LEGEND, "below: volume"]
    if not candles[-1].closed:
        words.append("the newest is still forming")
    return " · ".join(words)
