"""Write any text to standard output and error: replace what their encoding cannot write."""

import codecs
import io
import json
import os
import re
import sys

_PLAIN = {
    "●": "*", "–": "-", "—": "-", "…": "...", "·": "-", "→": "->", "✓": "+", "✗": "x", "▒": ":",
    "─": "-", "━": "-", "│": "|", "²": "2",
} | dict.fromkeys("█▉▊▋▌▍▎▏▐▕", "#")  # fmt: skip
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def prepare() -> None:
    """Make this process's streams ready; one that was closed before reads nothing, takes everything."""
    codecs.register_error("twap.plain", _plain)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 -- lives on
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="twap.plain")


def json_text(data: bytes) -> str:
    """Give JSON as standard output can write it: where characters cannot, they are written ``\\uXXXX``."""
    text = data.decode()
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)
    return text


def discard_output() -> None:
    """Nobody reads standard output any more: let what is still to be written go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def give_up_what_cannot_be_written() -> None:
    """After a failure: what is left in standard output's buffer must not fail once more at the very end."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        discard_output()


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unwritable = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in unwritable), error.end
