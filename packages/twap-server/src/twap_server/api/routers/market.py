"""Serve exchanges, instruments, candles, trades and book snapshots; no sign-in needed."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from twap_models.enums import InstrumentKind, Interval
from twap_models.fields import ExchangeName, Moment, SymbolText
from twap_models.health import BookHealth
from twap_models.market import BookTop, Candle, Exchange, Instrument, PublicTrade
from twap_server.api.http.documented import problems, with_headers
from twap_server.api.http.exact_json import ExactRoute, reply
from twap_server.api.routers.dependencies import BookOwnerDep, BookReaderDep, ServicesDep, limited
from twap_server.api.routers.on_demand_books import held_book, held_trades
from twap_server.api.wire import present
from twap_server.api.wire.listings import in_order
from twap_server.api.wire.present_health import book_health
from twap_server.api.wire.requests import resolve
from twap_server.books.recent_trades import MOST_RECENT
from twap_server.domain.clock import Nanos, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.market.instrument import Instrument as ListedInstrument

router = APIRouter(tags=["market"], route_class=ExactRoute)

ExchangePath = Annotated[ExchangeName, Path(description="An exchange of GET /exchanges.")]
SymbolPath = Annotated[SymbolText, Path(description="Any spelling; write `/` as `-` or leave it out.")]
_READS, _CANDLES = limited(lambda services: services.reads), limited(lambda services: services.candles)

SymbolFilter = Annotated[str | None, Query(max_length=40)]


@router.get("/exchanges", response_model=list[Exchange], responses=problems(429), dependencies=[_READS])
async def list_exchanges(services: ServicesDep) -> Response:
    """Every collected exchange and the state of its connections."""
    market, now = services.market, services.clock.now()
    return reply(
        [present.exchange(status, market.collected(status.name), now) for status in market.exchanges()]
    )


@router.get(
    "/exchanges/{exchange}/books",
    response_model=list[BookHealth],
    responses=problems(404, 422, 429),
    dependencies=[_READS],
)
async def list_books(services: ServicesDep, exchange: ExchangePath) -> Response:
    """How each collected book of an exchange fares, now and within the last 15 minutes."""
    books, now = services.market.collected(exchange), services.clock.now()
    integrity = {one.name: one.integrity for one in services.market.exchanges()}
    return reply([book_health(one, integrity[one.instrument.exchange], now) for one in books])


@router.get(
    "/exchanges/{exchange}/symbols",
    response_model=list[Instrument],
    responses=problems(404, 422, 429, 503),
    dependencies=[_READS],
)
async def list_symbols(
    *,
    services: ServicesDep,
    exchange: ExchangePath,
    base: SymbolFilter = None,
    quote: SymbolFilter = None,
    q: Annotated[str | None, Query(max_length=40, description="Part of a name.")] = None,
    kind: Annotated[InstrumentKind | None, Query(description="Only spot, or only perpetuals.")] = None,
) -> Response:
    """Instruments of an exchange with their grid and minimums."""
    if base is None and quote is None and q is None and kind is None:
        return services.listings.whole(exchange)
    listed = services.market.instruments(exchange).values()
    return in_order(one for one in listed if _fits(one, base=base, quote=quote, part=q, kind=kind))


@router.get(
    "/klines/{exchange}/{symbol:path}",
    response_model=list[Candle],
    responses=with_headers(200, "X-Oldest-Available") | problems(404, 422, 429, 503),
    dependencies=[_CANDLES],
)
async def list_klines(
    *,
    services: ServicesDep,
    exchange: ExchangePath,
    symbol: SymbolPath,
    interval: Interval = Interval.M1,
    limit: Annotated[int, Query(ge=1, le=1_000, description="The latest so many.")] = 100,
    start_time: Moment | None = None,
    end_time: Moment | None = None,
) -> Response:
    """Candles, oldest first; the last may still be forming."""
    now = services.clock.now()
    start = _moment(start_time, now=now, field="start_time")
    end = _moment(end_time, now=now, field="end_time")
    if start is not None and end is not None and end < start:
        raise InvalidRequest("expected a time at or after start_time", field="end_time")
    found = await services.market.klines(
        exchange, symbol, interval=interval, limit=limit, start=start, end=end
    )
    reach = found.oldest_available
    if reach is not None and end is not None and end < reach:
        told = f"{exchange} has no {interval} candles that open before {to_text(reach)}: ask for later ones"
        raise InvalidRequest(told, field="end_time")
    headers = {} if reach is None else {"X-Oldest-Available": to_text(reach)}
    return reply([present.candle(candle) for candle in found.candles], headers=headers)


@router.get(
    "/orderbook/{exchange}/{symbol:path}",
    response_model=BookTop,
    responses=problems(401, 403, 404, 422, 429, 503),
    dependencies=[_READS],
)
async def get_orderbook(
    *,
    services: ServicesDep,
    reader: BookReaderDep,
    owner: BookOwnerDep,
    exchange: ExchangePath,
    symbol: SymbolPath,
    depth: Annotated[int, Query(ge=1, le=100, description="Levels of each side.")] = 10,
) -> Response:
    """One snapshot; ``aggregate`` merges exchanges. An unwatched book is waited for up to 5 s."""
    return reply(
        await held_book(
            services, owner or reader, exchange=exchange, spelling=symbol, depth=depth, own=owner is not None
        )
    )


@router.get(
    "/trades/{exchange}/{symbol:path}",
    response_model=list[PublicTrade],
    responses=problems(404, 422, 429, 503),
    dependencies=[_READS],
)
async def list_trades(
    *,
    services: ServicesDep,
    reader: BookReaderDep,
    exchange: ExchangePath,
    symbol: SymbolPath,
    limit: Annotated[int, Query(ge=1, le=MOST_RECENT, description="The newest so many.")] = MOST_RECENT,
) -> Response:
    """Public trades, newest first, those received since the book is collected; ``aggregate`` takes all.

    A book that nobody watched is waited for as for ``/orderbook``; of it there may be none yet.
    """
    return reply(await held_trades(services, reader, exchange=exchange, spelling=symbol, limit=limit))


def _fits(
    one: ListedInstrument,
    *,
    base: str | None,
    quote: str | None,
    part: str | None,
    kind: InstrumentKind | None,
) -> bool:
    names = (one.id.symbol, one.native, one.id.symbol.replace("-", ""))
    return (
        (kind is None or one.kind is kind)
        and (base is None or one.base.upper() == base.upper())
        and (quote is None or one.quote.upper() == quote.upper())
        and (part is None or any(part.upper() in name.upper() for name in names))
    )


def _moment(moment: datetime | str | None, *, now: Nanos, field: str) -> Nanos | None:
    return None if moment is None else resolve(moment, now=now, field=field)
