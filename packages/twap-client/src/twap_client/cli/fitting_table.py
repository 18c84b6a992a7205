"""Lay out rows and columns without cutting anything. Rich out; no clock, no network.

The first columns are the most important. Where there is no room for all, the last ones go into a line below
each row, each value after its column's name; where there is hardly any, each row becomes a few such lines
after its first value. Away from a terminal a row is one line, with tabs between its values.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from twap_models.reading import NOTHING

_PADDINGS = (2, 1)
_WORDS_WIDTH = 32
_LEAST_COLUMNS = 2
_SPACE = "  "
_MARK = "● "


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        right: whether its values line up at their last digit.
        words: whether its values are sentences, which may go over several lines.
        drawn: whether it is a picture, which says nothing that another column does not.
    """

    name: str
    right: bool = False
    words: bool = False
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class _Fit:
    """How wide the first columns are, and the space between them; the others go below."""

    widths: list[int]
    padding: int


def left(*names: str) -> list[Column]:
    """Columns of names and states."""
    return [Column(name) for name in names]


def right(*names: str) -> list[Column]:
    """Columns of numbers."""
    return [Column(name, right=True) for name in names]


def words(*names: str) -> list[Column]:
    """Columns of sentences."""
    return [Column(name, words=True) for name in names]


def drawn(*names: str) -> list[Column]:
    """Columns of pictures."""
    return [Column(name, drawn=True) for name in names]


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
        if not options.is_terminal:
            yield from map(Segment, self._tab_separated())
            return
        if self._title:
            yield Text(self._title, style="italic")
        fit = self._fit(options.max_width)
        if fit is not None:
            yield from self._table(console, fit, options.max_width)
        elif self._brief:
            for cells, _ in self._rows:
                yield from _packed([cell for cell in cells if cell.plain], options.max_width)
        else:
            yield from self._records(options.max_width)

    def _tab_separated(self) -> Iterable[str]:
        kept = [at for at, column in enumerate(self._columns) if not column.drawn]
        names = [self._columns[at].name for at in kept]
        if any(names):
            yield "\t".join(names) + "\n"
        for cells, _ in self._rows:
            yield "\t".join(_bare(cells[at].plain) for at in kept) + "\n"

    def _fit(self, room: int) -> _Fit | None:
        """As many of the first columns as there is room for; None where they are hardly any."""
        columns = [*self._by_column()]
        natural = [max(map(_width, cells)) for cells in columns]
        least = [
            max(min(width, _WORDS_WIDTH), *map(_longest_word, cells)) if column.words else width
            for column, width, cells in zip(self._columns, natural, columns, strict=True)
        ]
        fewest = len(least) if self._brief else min(_LEAST_COLUMNS, len(least))
        for count in range(len(least), fewest - 1, -1):
            for padding in _PADDINGS:
                spare = room - sum(least[:count]) - padding * (count - 1)
                if spare >= 0:
                    return _Fit(_widened(least[:count], natural, spare), padding)
        return None

    def _by_column(self) -> Iterable[list[Text]]:
        for at, column in enumerate(self._columns):
            yield [Text(column.name), *(cells[at] for cells, _ in self._rows)]

    def _table(self, console: Console, fit: _Fit, room: int) -> Iterable[Text]:
        names = [Text(column.name) for column in self._columns]
        if any(name.plain for name in names[: len(fit.widths)]):
            yield from self._row(console, fit, names, self._header_style)
        for cells, style in self._rows:
            yield from self._row(console, fit, cells, style)
            yield from _packed(self._named(len(fit.widths), cells), room, indent=_SPACE)

    def _row(self, console: Console, fit: _Fit, cells: list[Text], style: str) -> Iterable[Text]:
        inside = zip(cells, fit.widths, strict=False)
        for pieces in zip_longest(*(_wrapped(console, cell, width) for cell, width in inside)):
            parts: list[Text | str] = []
            for at, piece in enumerate(pieces):
                text = piece or Text()
                blank = " " * (fit.widths[at] - text.cell_len)
                parts += [" " * fit.padding] * (at > 0)
                parts += [blank, text] if self._columns[at].right else [text, blank]
            line = Text.assemble(*parts, style=style, overflow="fold")
            line.rstrip()
            yield line

    def _records(self, room: int) -> Iterable[Text]:
        for cells, style in self._rows:
            yield Text.assemble(cells[0], style=style or "bold", overflow="fold")
            yield from _packed(self._named(1, cells), room, indent=_SPACE)

    def _named(self, since: int, cells: Sequence[Text]) -> list[Text]:
        """The values from this column on, each after its name."""
        named = zip(self._columns[since:], cells[since:], strict=True)
        return [_named(column.name, cell) for column, cell in named if cell.plain and not column.drawn]


def _width(cell: Text) -> int:
    return max((line.cell_len for line in cell.split(allow_blank=True)), default=0)


def _wrapped(console: Console, cell: Text, width: int) -> Sequence[Text]:
    if cell.cell_len <= width and "\n" not in cell.plain:
        return [cell]
    return [*cell.wrap(console, width, overflow="fold")]


def _longest_word(cell: Text) -> int:
    """A number or an id within a sentence is not cut either."""
    return max(map(len, cell.plain.split()), default=0)


def _widened(least: list[int], natural: list[int], spare: int) -> list[int]:
    widths: list[int] = []
    for small, full in zip(least, natural, strict=False):
        widths.append(max(small, min(full, small + spare)))
        spare -= widths[-1] - small
    return widths


def _bare(text: str) -> str:
    """What a program reads: no mark before a state, nothing for what is not known, no line's end."""
    plain = " ".join(text.removeprefix(_MARK).split())
    return "" if plain == NOTHING else plain


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
