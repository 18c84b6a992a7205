"""Books for whoever is not signed in: whether they exist, and how they are, asked once a second."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from rich.live import Live

from twap_client.cli import render
from twap_client.cli.follow import PASSING, print_item
from twap_client.cli.key_presses import LEAVES, KeyPresses
from twap_client.cli.session import Session
from twap_client.errors import NotAuthenticated, RateLimited, TwapClientError, Unavailable, UsageError
from twap_models import BookMessage
from twap_models.enums import AGGREGATE
from twap_models.names import split_market

_TICK_S = 1.0
_LEVELS = 10
_MOST = 8
"""Books that are shown where none is named."""
NEVER = datetime.min.replace(tzinfo=UTC)


async def see_that_they_exist(session: Session, books: list[str]) -> None:
    """Ask for each once, so that a name that is wrong is told at once.

    Raises:
        UsageError: a book is not written ``EXCHANGE:SYMBOL``.
        NotFound, BadRequest: there is no such book.
    """
    for name in books:
        with suppress(Unavailable, RateLimited):  # it exists, and is not there right now
            await _book(session, name)


async def collected(session: Session) -> list[str]:
    """Some books that the server collects anyway; none where it does not tell."""
    found: list[str] = []
    with suppress(TwapClientError):
        for exchange in await session.client.market.exchanges():
            health = await session.client.market.books(exchange.name)
            found += [f"{book.exchange}:{book.symbol}" for book in health]
    return found[:_MOST]


async def may_stream(session: Session) -> bool:
    """Whether somebody is signed in; the stream is for them."""
    if session.client.config.api_key:
        return True
    try:
        await session.client.accounts.me()
    except NotAuthenticated:
        return False
    return True


async def poll_books(session: Session, names: list[str]) -> None:
    """Show books as they are each second, until left: a view on a terminal, lines elsewhere."""
    session.say("not signed in: the books are asked for once a second")
    books: dict[str, BookMessage] = {}
    if session.has_screen:
        with KeyPresses() as keys, Live(console=session.out, screen=True, auto_refresh=False) as live:
            while keys.take() not in LEAVES:
                notice = await _ask(session, names, books)
                # Ages are the server's, so the moment shown is the newest that it told.
                now = max((book.ts_sent for book in books.values()), default=NEVER)
                live.update(render.books_screen([*books.values()], now, notice), refresh=True)
                await _tick(keys)
    while not session.has_screen:
        notice = await _ask(session, names, books)
        for book in books.values():
            print_item(session, book)
        if notice:
            session.say(notice)
        await asyncio.sleep(_TICK_S)


async def _ask(session: Session, names: list[str], books: dict[str, BookMessage]) -> str:
    """Bring the books up to date; gives what went wrong, and then none of them is shown as current."""
    for name in names:
        try:
            books[name] = await _book(session, name)
        except PASSING as error:
            if name in books:
                lost = {"status": "stale", "reason": "the server gave no newer one"}
                books[name] = books[name].model_copy(update=lost)
            return str(error)
    return ""


async def _book(session: Session, name: str) -> BookMessage:
    exchange, colon, symbol = split_market(name)
    if not (colon and exchange and symbol):
        raise UsageError(f"--book: expected EXCHANGE:SYMBOL, such as {AGGREGATE}:BTC-USDT, got {name[:40]!r}")
    found = await session.client.market.orderbook(exchange, symbol, depth=_LEVELS)
    return BookMessage.model_validate(found.model_dump())


async def _tick(keys: KeyPresses) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_TICK_S) as wait:
            keys.end(wait)
            await asyncio.Event().wait()
