"""Draw a frame around text without cutting a word. Rich in and out; no clock, no network."""

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.style import StyleType
from rich.text import Text

_CORNERS = 6
"""Columns of a frame's line that no words can have."""


class Framed:
    """A frame with words in its upper and lower line; where it is too narrow for these, they stand inside."""

    def __init__(
        self,
        content: RenderableType,
        *,
        title: Text,
        subtitle: Text,
        style: StyleType = "none",
        border_style: StyleType = "none",
        width: int | None = None,
    ) -> None:
        self._content, self._title, self._subtitle = content, title, subtitle
        self._style, self._border_style, self._width = style, border_style, width

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as wide as there is room, or as wide as was said."""
        room = min(self._width or options.max_width, options.max_width) - _CORNERS
        above, below = self._title.cell_len <= room, self._subtitle.cell_len <= room
        inside = [
            *([] if above else [self._title]),
            self._content,
            *([] if below else [self._subtitle]),
        ]
        yield Panel(
            Group(*inside),
            title=self._title if above else None,
            subtitle=self._subtitle if below else None,
            style=self._style,
            border_style=self._border_style,
            width=self._width,
        )
