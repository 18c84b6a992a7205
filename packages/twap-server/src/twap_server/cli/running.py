"""Share what the commands of ``twap-server`` need: run, print lines, and report a failure in one line."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeAlias

import typer
from typer.core import TyperGroup

from twap_server.domain.clock import Nanos, to_nanos
from twap_server.domain.errors import TwapError
from twap_server.runtime.loops import LoopFactory
from twap_server.telemetry import Lines, say_last

Announce: TypeAlias = Callable[[str], None]


class Commands(TyperGroup):
    """The commands; whoever writes a command's option before it is told the right side."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before the command."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "option_name", None):
                unknown: Any = error
                unknown.message = f"{unknown.message}: options go after the command"
            raise


def run(work: Coroutine[Any, Any, None], new_loop: LoopFactory = asyncio.new_event_loop) -> None:
    """Run to the end, or to a line that says what failed."""
    with told(), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work)


def run_announcing(
    work: Callable[[Announce], Coroutine[Any, Any, None]], new_loop: LoopFactory = asyncio.new_event_loop
) -> None:
    """Run to the end; what it announces on standard output waits for no reader."""
    with told(), Lines(sys.stdout) as lines, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work(lines.put))


@contextmanager
def told() -> Iterator[None]:
    """Say what failed in one line, and end."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except TwapError as error:
        fail(str(error))
    except BaseExceptionGroup as group:
        expected = group.subgroup(TwapError)
        if expected is None:
            raise
        fail(str(_first(expected)))


def say(line: str) -> None:
    """Print a line at once; what the terminal's encoding lacks, as of odd file names, is escaped."""
    typer.echo(line.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
    sys.stdout.flush()


def moment(text: str, option: str) -> Nanos:
    """Read a moment that was given to an option: ISO 8601; without an offset it is UTC.

    Ends the command where it is none.
    """
    try:
        read = datetime.fromisoformat(text)
        return to_nanos(read if read.tzinfo else read.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        fail(f"{option} {text!r}: expected a time, as 2026-01-31T12:00:00Z", code=2)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """End with a line on standard error, which nobody needs to read for the end to come, and this code."""
    say_last(f"twap-server: {message}")
    raise typer.Exit(code)


def _first(group: BaseException) -> BaseException:
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group
