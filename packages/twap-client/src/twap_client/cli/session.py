"""Run one command: a client, two consoles, and every failure as one line and an exit code."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from rich.console import Console, RenderableType
from typer import Abort, confirm

from twap_client.cli import csv_rows, figures, streams
from twap_client.cli.place import Place, place
from twap_client.client import TwapClient
from twap_client.errors import (
    ApiError,
    ConnectFailed,
    InvalidValue,
    NotAuthenticated,
    NotPermitted,
    TransportError,
    TwapClientError,
)
from twap_models import FieldError, OrderStatus, exact_json
from twap_models.base import WireModel
from twap_models.plain_words import plain

FAILED, USAGE, CANNOT_REACH, INTERRUPTED = 1, 2, 6, 130
ENDED = {
    OrderStatus.FILLED: 0,
    OrderStatus.EXPIRED: 3,
    OrderStatus.CANCELED: 4,
    OrderStatus.REJECTED: 5,
    OrderStatus.FAILED: 5,
}
_TYPED_AT = {
    "price": "--limit",
    "start_time": "--start",
    "end_time": "--end",
    "duration": "--duration",
    "interval": "--interval",
    "slices": "--slices",
    "token_id": "--token-id",
    "max_slippage_bps": "--max-slippage-bps",
    "randomize": "--randomize",
    "participation_cap": "--participation-cap",
    "volume_profile": "--volume-profile",
    "volume_days": "--volume-days",
    "half_life": "--half-life",
    "risk_aversion": "--risk-aversion",
    "temporary_impact": "--temporary-impact",
    "permanent_impact": "--permanent-impact",
    "participation": "--participation",
    "volatility": "--volatility",
    "urgency": "--urgency",
}
"""Fields of an order that are typed under another name."""
_PIPE_WIDTH = 10_000
"""A row is one line for whoever reads it there, however long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a command works with."""

    client: TwapClient
    server: str
    as_json: bool
    out: Console
    err: Console
    as_csv: bool = False
    relative: bool = False

    def show(self, value: WireModel | Sequence[WireModel], picture: Callable[[], RenderableType]) -> None:
        """Print a result: one JSON value, CSV, or its picture."""
        if self.as_json:
            self.line(value)
        elif self.as_csv:
            csv_rows.write_models([value] if isinstance(value, WireModel) else value)
        else:
            self.out.print(picture())

    def line(self, value: object) -> None:
        """Print one JSON value on one line."""
        sys.stdout.write(streams.json_text(exact_json.dumps(_plain(value))) + "\n")
        sys.stdout.flush()

    @property
    def now(self) -> datetime | None:
        """The moment that times are told from, where that is wanted: a person reads them on this machine."""
        return datetime.now(UTC) if self.relative else None  # noqa: TID251

    @property
    def has_screen(self) -> bool:
        """Whether a view can be drawn and drawn again."""
        return sys.stdout.isatty() and not self.out.is_dumb_terminal and not self.as_json

    def say(self, message: str) -> None:
        """Tell a person something, beside the result; a command in it stays on one line, to be copied."""
        room = self.err.width if self.err.is_terminal else _PIPE_WIDTH
        self.err.print(figures.in_lines(message, room), markup=False, highlight=False, soft_wrap=True)


class SignInRefused(TwapClientError):
    """The name and password that were just given do not count: to sign in is no advice."""


Work = Callable[[Session], Awaitable[int]]

_WRONG_KEY = (
    "TWAP_API_KEY is used, and may be misspelt, revoked or expired: correct it, or unset it and sign in"
)
_NO_KEY = "TWAP_API_KEY is used: unset it and sign in with `twap login`"
_LACKS = "lacks the scope"
"""What the server says where another key would do."""
_SMALL_KEY = f"{_NO_KEY}, or use another key (`twap keys create`)"


class Question(Protocol):
    """What is asked before the work: a person looks, and agrees or not."""

    async def look(self, session: Session) -> int:
        """Show what it is about; anything but 0 ends the command with that code."""

    def agreed(self) -> bool:
        """Ask. Outside the event loop, for it waits for a person."""


def asked(question: str, otherwise: str) -> bool:
    """Ask on the terminal; say what did not happen where the answer is no."""
    try:
        wanted = confirm(question, err=True)
    except Abort:
        sys.stderr.write("\n")
        wanted = False
    if not wanted:
        sys.stderr.write(f"{otherwise}\n")
    return wanted


def run(
    server: str | None,
    as_json: bool,
    work: Work,
    prepare: Callable[[], bool] | None = None,
    question: Question | None = None,
    *,
    profile: str | None = None,
) -> int:
    """Do a command's work with a client of its own.

    Args:
        server: its address; absent, see ``place``.
        as_json: whether results are JSON.
        work: what to do.
        prepare: what to do before, outside the event loop; False ends the command.
        question: what to ask then.
        profile: its name, instead of a server.

    Returns:
        The exit code.
    """
    there = None
    try:
        there = place(server, profile)
        if prepare is not None and not prepare():
            return FAILED
        code = _looked(there, as_json, question)
        return code or asyncio.run(_within(there, as_json, work))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Abort:
        sys.stderr.write("\ntwap: nothing was given where it was asked for\n")
        return FAILED
    except BrokenPipeError:
        streams.discard_output()
        return FAILED
    except Exception as error:  # the outermost edge: one line, never a stack trace
        code, message = _of_failure(error, there)
        room = shutil.get_terminal_size().columns if sys.stderr.isatty() else _PIPE_WIDTH
        sys.stderr.write(figures.in_lines(f"twap: {message}", room) + "\n")
        streams.give_up_what_cannot_be_written()
        return code


def _of_failure(error: Exception, there: Place | None) -> tuple[int, str]:
    if there is None:
        return explain(error, "")
    return explain(error, there.config.base_url, by_key=bool(there.config.api_key), login=there.login)


def _looked(there: Place, as_json: bool, question: Question | None) -> int:
    if question is None:
        return 0
    code = asyncio.run(_within(there, as_json, question.look))
    return code or (0 if question.agreed() else FAILED)


def explain(
    error: Exception, url: str, *, by_key: bool = False, login: str = "twap login"
) -> tuple[int, str]:
    """Say in one line what went wrong and what to do about it; give the exit code too.

    Args:
        error: what was raised.
        url: the server's address.
        by_key: whether an API key was sent, no sign-in.
        login: the command that signs in there.
    """
    code, message = _explain(error, _WRONG_KEY if by_key else f"sign in to {url} with `{login}`")
    if by_key and isinstance(error, NotPermitted):
        message = f"{message}; {_SMALL_KEY if _LACKS in error.message else _NO_KEY}"
    if isinstance(error, TwapClientError) and error.in_doubt:
        look = f": `twap order {error.token_ids[0]}`" if error.token_ids else ""
        message = f"{message}; {error.in_doubt}{look}"
    return code, message


def _explain(error: Exception, sign_in: str) -> tuple[int, str]:
    match error:
        case ConnectFailed(reason="refused"):
            return (
                CANNOT_REACH,
                f"{_one_line(error)}: is the server running? start it with `twap-server start`",
            )
        case NotAuthenticated():
            return CANNOT_REACH, f"{_one_line(error)}; {sign_in}"
        case ApiError():
            return USAGE if error.status == 422 else FAILED, _refusal(error)
        case InvalidValue(errors=[_, *_]):
            return USAGE, "; ".join(_wrong_field(item) for item in error.errors)
        case UnicodeEncodeError():  # a ValueError, and yet nobody's use of the command
            return (
                FAILED,
                f"a text cannot be written as {error.encoding.upper()}: is the terminal in another encoding?",
            )
        case _:
            return _code(error), _one_line(error)


def _code(error: Exception) -> int:
    if isinstance(error, TransportError | SignInRefused):
        return CANNOT_REACH
    return USAGE if isinstance(error, ValueError) else FAILED


async def _within(there: Place, as_json: bool, work: Work) -> int:
    config = there.config
    out, err = _console(stderr=False), _console(stderr=True)
    config = replace(config, on_wait=partial(_wait, err, config.base_url))
    async with TwapClient(config=config, token_store=there.store) as client:
        return await work(Session(client=client, server=config.base_url, as_json=as_json, out=out, err=err))


def _wait(err: Console, url: str, left: float) -> None:
    """Say that an answer is long in coming, and until when it is waited for at most, on the clock here."""
    # A person reads it now, on this machine's clock.
    until = datetime.now().astimezone() + timedelta(seconds=left)  # noqa: TID251
    err.print(
        f"no answer yet from {url}, trying until {until:%H:%M:%S} at most", markup=False, soft_wrap=True
    )


def _console(*, stderr: bool) -> Console:
    if (sys.stderr if stderr else sys.stdout).isatty():
        return Console(stderr=stderr, highlight=False)
    return Console(stderr=stderr, highlight=False, force_terminal=False, width=_PIPE_WIDTH)


def _plain(value: object) -> object:
    if isinstance(value, WireModel):
        return value.to_wire()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _refusal(error: ApiError) -> str:
    fields = "; ".join(
        f"{item.field}: {item.message}" for item in error.errors if item.message not in str(error)
    )
    named = f" ({error.code})" if error.code else ""
    return plain(_one_line(f"{error.message}{named}" + (f": {fields}" if fields else "")))


def _wrong_field(wrong: FieldError) -> str:
    return ": ".join(filter(None, [_TYPED_AT.get(wrong.field, wrong.field), wrong.message]))


def _one_line(problem: object) -> str:
    text = problem.message if isinstance(problem, TwapClientError) else str(problem)
    return " ".join(text.split()) or type(problem).__name__
