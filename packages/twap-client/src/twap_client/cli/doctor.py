"""Carry out doctor: look at each part of the way to the server, and say what to do about what is wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Literal

from rich.text import Text

from twap_client.cli.session import CANNOT_REACH, FAILED, Session
from twap_client.errors import ApiError, ConnectFailed, NotAuthenticated, TransportError, TwapClientError
from twap_models import BookHealth, Exchange, ServerInfo
from twap_models.installing import from_a_checkout

Level = Literal["ok", "note", "fault", "unknown"]
_MARKS: dict[str, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "note": ("!", "yellow"),
    "fault": ("✗", "red"),
    "unknown": ("?", "dim"),
}
_CLOCKS_AGREE = timedelta(seconds=2)
_FEED_WITHIN_S = 5.0
_WELL = ("connected", "idle")
"""An exchange whose books nobody wants is idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look found; ``advice`` says what to do about it."""

    check: str
    level: Level
    words: str
    advice: str = ""


async def doctor(session: Session) -> int:
    """Look at everything, and tell each finding as it comes.

    Returns:
        0 when all is well, 6 when the server cannot be reached or nobody is signed in, else 1.
    """
    found: list[Finding] = []
    async for finding in _findings(session):
        found.append(finding)
        if not session.as_json:
            session.out.print(line(finding), soft_wrap=True)
    if session.as_json:
        session.line([asdict(finding) for finding in found])
    faults = {finding.check for finding in found if finding.level == "fault"}
    if faults & {"server", "sign-in"}:
        return CANNOT_REACH
    return FAILED if faults else 0


def line(finding: Finding) -> Text:
    """Write a finding on a line of its own, and below it what to do."""
    mark, style = _MARKS[finding.level]
    text = Text.assemble((f"{mark} ", style), f"{finding.check:<10} {finding.words}")
    return text.append(f"\n  {'':<10} {finding.advice}", style="bold") if finding.advice else text


async def _findings(session: Session) -> AsyncIterator[Finding]:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    try:
        info = await session.client.market.server()
    except ApiError as error:
        yield _strange(session, error)
        return
    except TransportError as error:
        yield _unreachable(error)
        return
    took = loop.time() - begin
    # Two clocks are compared, and this is the one of whoever asks.
    now = datetime.now(UTC)  # noqa: TID251
    yield Finding(
        check="server", level="ok", words=f"{session.server} ({info.market}) answers in {took:.2f} s"
    )
    yield of_version(info, version("twap-client"))
    yield of_clock(info.time - (now - timedelta(seconds=took / 2)), unsure=timedelta(seconds=took / 2))
    signed_in = await _sign_in(session)
    yield signed_in
    yield await _feed(session) if signed_in.level == "ok" else _not_looked("feed", "it needs a sign-in")
    yield await _tried("exchanges", lambda: _exchanges(session))
    yield await _tried("books", lambda: _books(session))


def _unreachable(error: TransportError) -> Finding:
    advice = "is the server running, and is this its address? `twap profile list` shows those that are kept"
    if isinstance(error, ConnectFailed) and error.reason == "refused":
        advice = "start it with `twap-server start`, or name another: `--server`, `twap profile use`"
    return Finding(check="server", level="fault", words=error.message, advice=advice)


def _strange(session: Session, error: ApiError) -> Finding:
    advice = "is the address right? An old server is brought up to date"
    return Finding(check="server", level="fault", words=f"{session.server}: {error.message}", advice=advice)


def of_version(info: ServerInfo, own: str) -> Finding:
    """Compare versions: the first two numbers say what fits together."""
    words = f"server {info.version}, this command {own}"
    if info.version.split(".")[:2] == own.split(".")[:2]:
        return Finding(check="version", level="ok", words=words)
    how = from_a_checkout("client", "cli", version=info.version)
    advice = f"install the same on both sides: {how}"
    return Finding(check="version", level="note", words=words, advice=advice)


def of_clock(ahead: timedelta, *, unsure: timedelta = timedelta(0)) -> Finding:
    """Judge how far the server's clock is ahead of ours, below 0 behind; ``unsure`` by half the way there."""
    seconds = ahead.total_seconds()
    words = f"the server's is {abs(seconds):.1f} s {'ahead' if seconds >= 0 else 'behind'}"
    if abs(ahead) <= _CLOCKS_AGREE + unsure:
        return Finding(check="clock", level="ok", words=words)
    advice = "set the wrong one (NTP): a --start or --end by this clock means another moment on the server"
    return Finding(check="clock", level="fault", words=words, advice=advice)


async def _sign_in(session: Session) -> Finding:
    try:
        account = await session.client.accounts.me()
    except NotAuthenticated as error:
        by_key = session.client.config.api_key is not None
        advice = "TWAP_API_KEY does not count: correct or unset it" if by_key else "sign in with `twap login`"
        return Finding(check="sign-in", level="fault", words=error.message, advice=advice)
    except TwapClientError as error:
        return Finding(check="sign-in", level="fault", words=error.message)
    return Finding(check="sign-in", level="ok", words=f"as {account.username}")


async def _feed(session: Session) -> Finding:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    try:
        async with session.client.stream(orders=True) as stream:
            await stream.ready(timeout=_FEED_WITHIN_S)
    except TwapClientError as error:
        advice = "does a proxy in between let WebSockets (/ws) through?"
        return Finding(check="feed", level="fault", words=error.message, advice=advice)
    return Finding(check="feed", level="ok", words=f"live in {loop.time() - begin:.2f} s")


async def _tried(check: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await look()
    except TwapClientError as error:
        return Finding(check=check, level="unknown", words=error.message)


async def _exchanges(session: Session) -> Finding:
    return of_exchanges(await session.client.market.exchanges())


def of_exchanges(exchanges: Sequence[Exchange]) -> Finding:
    """Judge whether each exchange is connected and trades."""
    bad = [item for item in exchanges if item.status not in _WELL]
    if not exchanges:
        advice = "start the server with `--exchange binance`, or without any: then it collects all"
        return Finding(check="exchanges", level="fault", words="the server collects none", advice=advice)
    if not bad:
        words = ", ".join(f"{item.name} {item.status}" for item in exchanges)
        return Finding(check="exchanges", level="ok", words=words)
    words = "; ".join(": ".join(filter(None, [f"{item.name} {item.status}", item.reason])) for item in bad)
    advice = "orders there fill nothing meanwhile: pause them, or use another exchange or aggregate"
    return Finding(check="exchanges", level="fault", words=words, advice=advice)


async def _books(session: Session) -> Finding:
    exchanges = await session.client.market.exchanges()
    return of_books([book for item in exchanges for book in await session.client.market.books(item.name)])


def of_books(books: Sequence[BookHealth]) -> Finding:
    """Judge whether each collected book is live."""
    bad = [book for book in books if book.status != "live"]
    if not bad:
        words = (
            f"all {len(books)} collected are live"
            if books
            else "none is collected now: `twap book` collects one"
        )
        return Finding(check="books", level="ok", words=words)
    named = "; ".join(
        ": ".join(filter(None, [f"{book.exchange} {book.symbol} {book.status}", book.reason]))
        for book in bad[:3]
    )
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    advice = (
        "nothing fills from them until they are; it heals by itself, see `twap exchanges` when it does not"
    )
    return Finding(check="books", level="note", words=named + more, advice=advice)


def _not_looked(check: str, why: str) -> Finding:
    return Finding(check=check, level="unknown", words=f"not looked at: {why}")
