"""Write numbers, times and bars as text. Pure."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

from rich.text import Text

from twap_models.reading import NOTHING, number

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_PIECE = re.compile(r"`[^`]*`\S*|\S+")

STATUS_STYLES = {
    "live": "green",
    "connected": "green",
    "stale": "yellow",
    "resyncing": "yellow",
    "connecting": "yellow",
    "idle": "dim",
    "down": "red",
    "Accepted": "cyan",
    "Working": "blue",
    "Paused": "yellow",
    "Filled": "green",
    "Expired": "yellow",
    "Canceled": "magenta",
    "Failed": "red",
    "Rejected": "red",
    "filled": "green",
    "partial": "yellow",
    "missed": "red",
    "skipped": "dim",
    "canceled": "magenta",
    "pending": "dim",
}


def rounded(value: Decimal | None, places: int) -> str:
    """Write so many decimal places, for reading: half-even, and nothing is not below nothing."""
    return NOTHING if value is None else f"{round(value, places) + 0:.{places}f}"


def percent(share: Decimal) -> str:
    """Write a share of 1 as percent, rounded down: 100 % is all of it."""
    return f"{int(share * 1000) / 10:.1f} %"


def clock(moment: datetime | None) -> str:
    """Write a time of day, in UTC."""
    return NOTHING if moment is None else f"{moment:%H:%M:%S}"


def stamp(moment: datetime | None) -> str:
    """Write date and time, in UTC."""
    return NOTHING if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def signed(value: Decimal | None) -> str:
    """Write all digits with their sign: a cost may be a gain."""
    return NOTHING if value is None else f"{'+' if value > 0 else ''}{number(value)}"


def beside(moment: datetime | None, now: datetime | None) -> str:
    """Write date and time in UTC; with ``now``, also how far away that is."""
    return stamp(moment) if moment is None or now is None else f"{stamp(moment)} ({away(moment, now)})"


def away(moment: datetime, now: datetime) -> str:
    """Write how far away a moment is: ``in 4 min``, ``2 h ago``; rounded down."""
    seconds = int(abs((moment - now).total_seconds()))
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size or size == 1)
    text = f"{seconds // size} {unit}"
    if not seconds:
        return "now"
    return f"in {text}" if moment > now else f"{text} ago"


def span(length: timedelta | None) -> str:
    """Write a length of time: ``1:02:03``, ``4:05`` or ``2.5 s``."""
    if length is None:
        return NOTHING
    length = max(length, timedelta(0))
    if length < timedelta(minutes=1):
        return f"{length.total_seconds():.1f}".removesuffix(".0") + " s"
    hours, rest = divmod(int(length.total_seconds()), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def whole_seconds(length: timedelta) -> timedelta:
    """Leave out the parts of a second, for what is counted down."""
    return timedelta(seconds=max(0, int(length.total_seconds())))


def age(milliseconds: int | None) -> str:
    """Write how old something is."""
    return "age unknown" if milliseconds is None else f"{milliseconds / 1000:.1f} s old"


def lag(milliseconds: int | None) -> str:
    """Write how long a change took from the exchange to the server; nothing where it is not known."""
    if milliseconds is None:
        return ""
    if abs(milliseconds) < 1000:
        return f", lag {milliseconds} ms"
    return f", lag {milliseconds / 1000:.1f} s"


def badge(status: str) -> Text:
    """Write a state in its colour."""
    return Text(f"● {status}", style=STATUS_STYLES.get(status, "white"))


def coloured(word: str | None) -> Text:
    """Write an outcome in its colour."""
    return Text(word or "", style=STATUS_STYLES.get(word or "", ""))


def in_lines(message: str, room: int) -> str:
    """Break a message that is longer than a line between words; what stands in backticks is one word."""
    return "\n".join(_broken(line, room) for line in message.split("\n"))


def _broken(line: str, room: int) -> str:
    if len(line) <= room:
        return line
    made = [""]
    for piece in _PIECE.findall(line):
        if made[-1] and len(made[-1]) + 1 + len(piece) > room:
            made.append("")
        made[-1] = f"{made[-1]} {piece}".strip()
    return "\n".join(made)
