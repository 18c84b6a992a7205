"""What the commands of ``twap-server`` share: they run, speak in lines, and say what failed in one."""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from twap_server.domain.errors import TwapError
from twap_server.runtime.loops import LoopFactory


def run(work: Coroutine[Any, Any, None], new_loop: LoopFactory = asyncio.new_event_loop) -> None:
    """Run to the end, or to a line that says what failed."""
    with told(), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work)


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
    """Print a line at once."""
    typer.echo(line)
    sys.stdout.flush()


def fail(message: str, *, code: int = 1) -> NoReturn:
    """End with a line on standard error and this exit code."""
    typer.echo(f"twap-server: {message}", err=True)
    raise typer.Exit(code)


def _first(group: BaseException) -> BaseException:
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group
