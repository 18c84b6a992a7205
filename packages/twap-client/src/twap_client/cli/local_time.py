"""Read times as a person types them: one without a zone is in this machine's zone."""

from collections.abc import Callable
from datetime import datetime

from twap_client.errors import UsageError
from twap_models.fields import lacks_zone
from twap_models.iso_time import read_iso

Say = Callable[[str], None]


def absolute(option: str, text: str | None, say: Say) -> datetime | str | None:
    """Give a time its zone and say which; anything else (``now``, ``+15m``, with an offset) stays as it is.

    Args:
        option: where it was typed, such as ``--start``.
        text: what was typed.
        say: told of the zone that was understood.

    Raises:
        UsageError: the clock on the wall never shows this time, or shows it twice.
    """
    if text is None or not lacks_zone(text):
        return text
    moment = _on_the_wall(option, read_iso(text.strip()))
    say(f"{option} {text} is local time: {_with_zone(moment)}")
    return moment


def _on_the_wall(option: str, naive: datetime) -> datetime:
    try:
        first, second = naive.astimezone(), naive.replace(fold=1).astimezone()
    except (OverflowError, OSError, ValueError):
        raise UsageError(f"{option}: {naive.isoformat()} is too far away for a clock") from None
    if first.utcoffset() == second.utcoffset():
        return first
    if first.replace(tzinfo=None) != naive:
        raise UsageError(f"{option}: there is no {naive.isoformat()} here, clocks go forward: add an offset")
    raise UsageError(
        f"{option}: {naive.isoformat()} comes twice here, clocks go back: "
        f"write {first.isoformat()} or {second.isoformat()}"
    )


def _with_zone(moment: datetime) -> str:
    return f"{moment.isoformat()} ({moment.tzname()})"
