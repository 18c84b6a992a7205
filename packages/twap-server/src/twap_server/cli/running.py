"""Share what the commands of ``twap-server`` need: run, print lines, and report a failure in one line."""

import asyncio
import os
import sys
import textwrap
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO, TypeAlias

import typer
from typer.core import TyperGroup

from twap_models.fields import parse_duration
from twap_server.domain.clock import Nanos, to_iso, to_nanos
from twap_server.domain.errors import RequestError, TwapError, first_in
from twap_server.runtime.loops import LoopFactory
from twap_server.telemetry import Lines, say_last

Announce: TypeAlias = Callable[[str], None]
CONTENT: Final = "recording"
"""The field of errors about what a recording holds."""
_FAILED: Final = 1
_WRONG_USAGE: Final = 2
_USUAL_WIDTH: Final = 80


class LogStyle(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


_RUNNING: Final = ("start", "venue", "node", "nodes")
_RECORDED: Final = ("recordings", "replay", "what-if", "tournament", "verify", "measure")
_KEEPING: Final = ("user", "invite", "doctor", "backup", "restore", "version")


class Commands(TyperGroup):
    """The commands, by what they are for; an option before its command is told the right side."""

    order: Final = (*_RUNNING, *_RECORDED, *_KEEPING)

    def list_commands(self, ctx: Any) -> list[str]:
        """Running a server first, then recordings, then upkeep."""
        return sorted(super().list_commands(ctx), key=self.order.index)

    def get_params(self, ctx: Any) -> list[Any]:
        """Options of the program; of its commands, too, flags say no type."""
        for command in self.commands.values():
            _without_types(command, ctx)
        return _flags_bare(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before the command."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "option_name", None):
                unknown: Any = error
                unknown.message = f"{unknown.message}: options go after the command"
            raise


def _without_types(command: Any, ctx: Any) -> None:
    """Let the help of a command show ``--demo``, not ``--demo <bool>``: nothing is written behind it."""
    _flags_bare(command.get_params(ctx))
    for one in getattr(command, "commands", {}).values():
        _without_types(one, ctx)


def _flags_bare(options: list[Any]) -> list[Any]:
    for one in options:
        if getattr(one, "is_flag", False) and one.metavar is None:
            one.metavar = ""
    return options


def run(work: Coroutine[Any, Any, None], new_loop: LoopFactory = asyncio.new_event_loop) -> None:
    """Run to the end, or to a line that says what failed."""
    with told(), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work)


def run_announcing(
    work: Callable[[Announce], Coroutine[Any, Any, None]], new_loop: LoopFactory = asyncio.new_event_loop
) -> None:
    """Run to the end; what it announces on standard output waits for no reader."""
    with told(), Lines(sys.stdout) as lines, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work(lambda line: lines.put(fitted(line, sys.stdout))))


@contextmanager
def told() -> Iterator[None]:
    """Say what failed in one line, and end: with 2 where something else has to be given, else with 1."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except TwapError as error:
        fail(str(error), code=_code(error))
    except BaseExceptionGroup as group:
        failure = first_in(group, TwapError)
        if failure is None:
            raise
        fail(str(failure), code=_code(failure))


def say(line: str) -> None:
    """Print a line at once; where it does not fit a terminal, more of them. Into a file or pipe: one."""
    say_as_is(fitted(line, sys.stdout))


def say_as_is(line: str) -> None:
    """Print what another program may read; what its encoding lacks, as of odd names, is escaped."""
    typer.echo(line.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
    sys.stdout.flush()


def remark(line: str) -> None:
    """Print a line on standard error, beside the answer."""
    typer.echo(fitted(line, sys.stderr), err=True)


def fitted(text: str, stream: TextIO) -> str:
    """Break what is written to a terminal to its width; to a file or pipe it goes as it is."""
    if not stream.isatty():
        return text
    width = _width_of(stream)
    return "\n".join(fitting(line, width) for line in text.split("\n"))


def fitting(line: str, width: int) -> str:
    """Break a line between words, and set what follows in by two more than its own begin."""
    if len(line) <= width:
        return line
    inset = len(line) - len(line.lstrip())
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * (inset + 2),
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _width_of(stream: TextIO) -> int:
    """Columns of this terminal: standard output's may be another one, or none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH
    except OSError:
        return _USUAL_WIDTH


def settings_given(
    *,
    host: str | None,
    port: int | None,
    database: str | None,
    record: Path | None,
    log_format: LogStyle | None,
) -> dict[str, object]:
    """Give options as settings, by name; an option left out is none."""
    given: dict[str, object] = {
        "host": host,
        "port": port,
        "database": database,
        "record": None if record is None else {"folder": str(record)},
        "log_format": log_format and log_format.value,
    }
    return {name: value for name, value in given.items() if value is not None}


def moment(text: str, option: str) -> Nanos | timedelta:
    """Read a moment of a recording that was given to an option: ISO 8601, or ``+60s`` after its begin.

    One without an offset is UTC, as all times of recordings are shown; that is said. Ends the command where
    it is none.
    """
    try:
        if text.startswith("+"):
            return parse_duration(text[1:])
        read = datetime.fromisoformat(text)
        aware = read if read.tzinfo else read.replace(tzinfo=UTC)
        found = to_nanos(aware)
    except (ValueError, OverflowError):
        fail(
            f"{option} {text!r}: expected a time, as 2026-01-31T12:00:00Z, or +60s after the recording's "
            "first message",
            code=_WRONG_USAGE,
        )
    if aware is not read:
        remark(f"{option} {text} has no zone and is taken as UTC: {to_iso(found)}")
    return found


def fail(message: str, *, code: int = 1) -> NoReturn:
    """End with a line on standard error, which nobody needs to read for the end to come, and this code."""
    say_last(fitted(f"twap-server: {message}", sys.stderr))
    raise typer.Exit(code)


def _code(error: BaseException) -> int:
    """Tell mistakes of whoever gave the command from failures of the work, as over what a recording holds."""
    is_mistake = isinstance(error, RequestError) and getattr(error, "field", "") != CONTENT
    return _WRONG_USAGE if is_mistake else _FAILED
