"""Draw the levels of a book: numbers, and bars where there is room. Rich out; no clock, no network."""

from collections.abc import Sequence
from decimal import Decimal

from rich.bar import Bar
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from twap_client.cli.figures import rounded
from twap_client.cli.fitting_table import FittingTable, left, right
from twap_models.reading import number

_LEAST_BAR = 2

Level = tuple[Decimal, Decimal]
Cells = tuple[str, str, Decimal]
"""Price, quantity, and its share of the largest."""


class Ladder:
    """Bids to the left, best at the top; asks to the right; so many of each."""

    def __init__(self, bids: Sequence[Level], asks: Sequence[Level], levels: int) -> None:
        self._bids, self._asks, self._levels = bids[:levels], asks[:levels], levels
        shown = (*self._bids, *self._asks)
        self._largest = max([quantity for _, quantity in shown], default=Decimal(1)) or Decimal(1)
        self._price_places = _places([price for price, _ in shown])
        self._quantity_places = _places([quantity for _, quantity in shown])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, with bars if there is room; where there is hardly any, the asks above the bids."""
        sides = [self._cells(self._bids), self._cells(self._asks)]
        if options.max_width < sum(map(_width, sides)) + 1:
            yield self._one_below_the_other(*sides)
            return
        has_bars = options.max_width >= sum(map(_width, sides)) + 1 + 2 * (_LEAST_BAR + 1)
        table = Table(box=None, expand=has_bars, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)
        names = ("", "qty", "bid", "ask", "qty", "") if has_bars else ("qty", "bid", "ask", "qty")
        for name in names:
            table.add_column(name, justify="right", overflow="fold", ratio=None if name else 1)
        for bid, ask in zip(*sides, strict=True):
            row: list[RenderableType] = [bid[1], Text(bid[0], "green"), Text(ask[0], "red"), ask[1]]
            if has_bars:
                row.insert(0, Bar(1, float(1 - bid[2]), 1, color="green"))
                row.append(Bar(1, 0, float(ask[2]), color="red"))
            table.add_row(*row)
        yield table

    def _one_below_the_other(self, bids: list[Cells], asks: list[Cells]) -> FittingTable:
        table = FittingTable(left(""), right("price", "qty"))
        for name, colour, side in (("ask", "red", reversed(asks)), ("bid", "green", bids)):
            for price, quantity, _ in side:
                if price:
                    table.add_row(name, Text(price, colour), quantity)
        return table

    def _cells(self, side: Sequence[Level]) -> list[Cells]:
        made = [
            (
                rounded(price, self._price_places),
                rounded(quantity, self._quantity_places),
                quantity / self._largest,
            )
            for price, quantity in side
        ]
        return made + [("", "", Decimal(0))] * (self._levels - len(made))


def _width(side: list[Cells]) -> int:
    """Of both columns of numbers, and a space between them."""
    prices, quantities, _ = zip(*side, strict=True)
    return max(map(len, ("bid", *prices))) + 1 + max(map(len, ("qty", *quantities)))


def _places(values: Sequence[Decimal]) -> int:
    """How many decimals to write so that a column lines up and no digit is lost."""
    return max((len(number(value).partition(".")[2]) for value in values), default=0)
