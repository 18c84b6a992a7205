"""Collect books while a request waits for them: for one snapshot, or for a list of books."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import uuid4

from twap_models.market import BookTop, PublicTrade
from twap_server.api.book_quota import ANONYMOUS, Reader
from twap_server.api.services import Services
from twap_server.api.stream.book_messages import Found
from twap_server.api.wire import present
from twap_server.domain.errors import BookUnavailable
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.feed.bus import BookTopic

_GRACE = timedelta(seconds=1)
"""How long the other exchanges of a merged book are waited for once one is live."""


async def held_book(
    services: Services, reader: Reader, *, exchange: str, spelling: str, depth: int, own: bool = False
) -> BookTop:
    """Give a live book of any exchange, or all of them merged; ``own``: with what the reader, a user, took.

    Raises:
        UnknownExchange, UnknownSymbol, ExchangeUnavailable: nothing has that name.
        BookUnavailable: it was not live in time, or there is no room for it. It is released in any case.
        EngineBusy: what the reader took cannot be known now.
    """
    async with _held_live(services, reader, exchange=exchange, spelling=spelling, depth=depth) as found:
        owner = reader.name if own else ""
        if own:
            await services.books.look(owner, exchange, spelling)
        return services.books.top(BookTopic(exchange, found.symbol, spelling, owner=owner), depth)


async def held_trades(
    services: Services, reader: Reader, *, exchange: str, spelling: str, limit: int
) -> list[PublicTrade]:
    """Give the trades received since the book is collected, newest first; ``aggregate``: of all exchanges.

    Raises:
        UnknownExchange, UnknownSymbol, ExchangeUnavailable, BookUnavailable: as for the book.
    """
    async with _held_live(services, reader, exchange=exchange, spelling=spelling, depth=1) as found:
        known = services.trades.known(found.instruments, limit)
        return [present.public_trade(trade, exchange=name, asked=spelling) for name, trade in known[::-1]]


@asynccontextmanager
async def _held_live(
    services: Services, reader: Reader, *, exchange: str, spelling: str, depth: int
) -> AsyncIterator[Found]:
    found = services.books.find(exchange, spelling)
    owner = _owner(reader)
    services.quota.hold(reader, found.instruments, owner)
    try:
        await _wait(services, found, depth)
        yield found
    finally:
        services.quota.release(reader, found.instruments, owner)


@asynccontextmanager
async def books_held(
    services: Services, reader: Reader, instruments: Sequence[InstrumentId]
) -> AsyncIterator[None]:
    """Hold these books; they are live, or were waited for in vain, when the block begins.

    Those that there is no room for are passed over: what is watched anyway can be looked at all the same.
    """
    owner = _owner(reader)
    instruments = _hold_some(services, reader, instruments, owner)
    try:
        async with asyncio.TaskGroup() as group:
            for instrument in instruments:
                if not _is_live(services, instrument, depth=1):
                    group.create_task(_becomes_live(services, instrument, services.config.book_wait))
        yield
    finally:
        services.quota.release(reader, instruments, owner)


def _hold_some(
    services: Services, reader: Reader, instruments: Sequence[InstrumentId], owner: str
) -> list[InstrumentId]:
    held: list[InstrumentId] = []
    for instrument in instruments:
        with suppress(BookUnavailable):
            services.quota.hold(reader, [instrument], owner)
            held.append(instrument)
    return held


def _owner(reader: Reader) -> str:
    return f"{ANONYMOUS if reader.anonymous else 'http:'}{uuid4().hex}"


async def _wait(services: Services, found: Found, depth: int) -> None:
    patience = services.config.book_wait
    waiting = [one for one in found.instruments if not _is_live(services, one, depth)]
    if len(waiting) < len(found.instruments):
        patience = min(patience, _GRACE)
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(_becomes_live(services, one, patience)) for one in waiting]
    failures = [failure for wait in waits if (failure := wait.result()) is not None]
    if len(failures) == len(found.instruments):
        raise failures[0] if failures else BookUnavailable("no exchange lists it")


def _is_live(services: Services, instrument: InstrumentId, depth: int) -> bool:
    view = services.market.view(instrument, depth)
    return view is not None and view.status is BookStatus.LIVE


async def _becomes_live(
    services: Services, instrument: InstrumentId, patience: timedelta
) -> BookUnavailable | None:
    try:
        await services.market.wait_live(instrument, patience.total_seconds())
    except BookUnavailable as error:
        return error
    return None
