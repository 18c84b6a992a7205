"""Lay out rows and columns without cutting anything. Rich out; no clock, no network.

Where there is no room for the columns, each row becomes a few lines: its first value on a line of its own, so
that it can be copied, then the others, each after its column's name.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.table import Table
from rich.text import Text

_PADDINGS = (2, 1)
_WORDS_WIDTH = 20
_SPACE = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        right: whether its values line up at their last digit.
        words: whether its values are sentences, which may go over several lines.
    """

    name: str
    right: bool = False
    words: bool = False


def left(*names: str) -> list[Column]:
    """Columns of names and states."""
    return [Column(name) for name in names]


def right(*names: str) -> list[Column]:
    """Columns of numbers."""
    return [Column(name, right=True) for name in names]


def words(*names: str) -> list[Column]:
    """Columns of sentences."""
    return [Column(name, words=True) for name in names]


class FittingTable:
    """A table without borders; in little room, a ``brief`` one has its values one after another, unnamed."""

    def __init__(
        self,
        *columns: Iterable[Column],
        title: str = "",
        header_style: str = "dim",
        brief: bool = False,
    ) -> None:
        self._brief = brief
        self._columns = [column for some in columns for column in some]
        self._rows: list[tuple[list[Text], str]] = []
        self._title = title
        self._header_style = header_style

    def add_row(self, *cells: str | Text, style: str = "") -> None:
        """Add a row; cells left out at its end are empty."""
        texts = [cell if isinstance(cell, Text) else Text(cell) for cell in cells]
        missing = [Text()] * (len(self._columns) - len(texts))
        self._rows.append(([*texts, *missing], style))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as fits."""
        if self._title:
            yield Text(self._title, style="italic")
        natural = [max(map(_width, cells)) for cells in self._by_column()]
        fitted = self._fitted(natural, options.max_width)
        if fitted is not None:
            yield self._table(*fitted)
        elif self._brief:
            for cells, _ in self._rows:
                yield from _packed([cell for cell in cells if cell.plain], options.max_width)
        else:
            yield from self._records(options.max_width)

    def _by_column(self) -> Iterable[list[Text]]:
        for at, column in enumerate(self._columns):
            yield [Text(column.name), *(cells[at] for cells, _ in self._rows)]

    def _fitted(self, natural: list[int], room: int) -> tuple[int, list[int]] | None:
        """The space between columns and their widths; None where they do not fit."""
        least = [
            min(width, _WORDS_WIDTH) if column.words else width
            for column, width in zip(self._columns, natural, strict=True)
        ]
        for padding in _PADDINGS:
            spare = room - sum(least) - padding * (len(least) - 1)
            if spare >= 0:
                return padding, _widened(least, natural, spare)
        return None

    def _table(self, padding: int, widths: list[int]) -> Table:
        table = Table(box=None, header_style=self._header_style, padding=(0, padding, 0, 0), pad_edge=False)
        for column, width in zip(self._columns, widths, strict=True):
            justify: JustifyMethod = "right" if column.right else "left"
            table.add_column(column.name, justify=justify, width=width, overflow="fold")
        for cells, style in self._rows:
            table.add_row(*cells, style=style or None)
        table.width = sum(widths) + padding * (len(widths) - 1)
        return table

    def _records(self, room: int) -> Iterable[Text]:
        for (first, *others), style in self._rows:
            yield Text.assemble(first, style=style or "bold", overflow="fold")
            named = zip(self._columns[1:], others, strict=True)
            parts = [_named(column.name, cell) for column, cell in named if cell.plain]
            yield from _packed(parts, room, indent=_SPACE)


def _width(cell: Text) -> int:
    return max((line.cell_len for line in cell.split(allow_blank=True)), default=0)


def _widened(least: list[int], natural: list[int], spare: int) -> list[int]:
    widths: list[int] = []
    for small, full in zip(least, natural, strict=True):
        widths.append(min(full, small + spare))
        spare -= widths[-1] - small
    return widths


def _named(name: str, cell: Text) -> Text:
    return Text.assemble((f"{name} " if name else "", "dim"), cell)


def _packed(parts: Iterable[Text], room: int, *, indent: str = "") -> Iterable[Text]:
    """As many parts a line as there is room for."""
    line = Text()
    for part in parts:
        if line and line.cell_len + len(_SPACE) + part.cell_len > room:
            yield line
            line = Text()
        line = Text.assemble(line, _SPACE if line else indent, part, overflow="fold")
    if line:
        yield line
