"""Choose among drawings of one thing by the room there is. Rich in and out; no clock, no network."""

from collections.abc import Callable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table

SIDE_BY_SIDE = 110
"""Columns; with fewer, panels stand one below the other."""


class TallestThatFits:
    """The first of some drawings, fullest first, that is not higher than the screen; else the last."""

    def __init__(self, *drawings: Callable[[], RenderableType]) -> None:
        self._drawings = drawings

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it; without a bound on the height, which a view on the whole screen has, the fullest."""
        bound = options.size.height if options.height is None and console.is_alt_screen else options.height
        free = options.reset_height()
        for draw in self._drawings:
            lines = console.render_lines(draw(), free, pad=False)
            if bound is None or len(lines) <= bound:
                break
        for line in lines:
            yield from line
            yield Segment.line()


class Beside:
    """Two panels side by side where there is room, else one below the other, the second first."""

    def __init__(self, first: RenderableType, second: RenderableType) -> None:
        self._first, self._second = first, second

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw both."""
        if options.max_width < SIDE_BY_SIDE:
            yield self._second
            yield self._first
            return
        grid = Table.grid(expand=True, padding=(0, 0))
        grid.add_column(ratio=6)
        grid.add_column(ratio=7)
        grid.add_row(self._first, self._second)
        yield grid
