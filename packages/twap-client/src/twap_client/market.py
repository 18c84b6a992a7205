"""Read market data: exchanges, instruments, candles, trades and order books. Needs no sign-in."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from twap_client._transport import Answer, Call, Timeout, Transport, read_model
from twap_client.order_fields import check_zones
from twap_models import (
    BookHealth,
    BookTop,
    Candle,
    Exchange,
    Instrument,
    InstrumentKind,
    Interval,
    PublicTrade,
    ServerInfo,
)
from twap_models.fields import format_time

_EXCHANGES: TypeAdapter[list[Exchange]] = TypeAdapter(list[Exchange])
_INSTRUMENTS: TypeAdapter[list[Instrument]] = TypeAdapter(list[Instrument])
_HEALTH: TypeAdapter[list[BookHealth]] = TypeAdapter(list[BookHealth])
_SERVER = TypeAdapter(ServerInfo)
_BOOK = TypeAdapter(BookTop)
_REACH = TypeAdapter(datetime)
_TRADES: TypeAdapter[list[PublicTrade]] = TypeAdapter(list[PublicTrade])
_CANDLES: TypeAdapter[list[Candle]] = TypeAdapter(list[Candle])


class Candles(list[Candle]):
    """Candles, oldest first, and whether the exchange's reach cut them."""

    oldest_available: datetime | None = None
    """Set where there are fewer than asked for, because none that opens before this time can be had."""


class Market:
    """``client.market``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def exchanges(self, *, timeout: Timeout = None) -> list[Exchange]:
        """List the collected exchanges and the state of their connections."""
        return read_model(_EXCHANGES, await self._fetch("/exchanges", {}, timeout))

    async def symbols(
        self,
        exchange: str,
        *,
        base: str | None = None,
        quote: str | None = None,
        q: str | None = None,
        kind: InstrumentKind | str | None = None,
        timeout: Timeout = None,
    ) -> list[Instrument]:
        """List an exchange's instruments.

        Args:
            exchange: its name, such as ``binance``.
            base: only this base currency.
            quote: only this quote currency.
            q: only symbols that contain this text.
            kind: only ``spot``, or only ``perpetual``.

        Raises:
            NotFound: no such exchange.
        """
        path = f"/exchanges/{_segment(exchange)}/symbols"
        query = {"base": base, "quote": quote, "q": q, "kind": None if kind is None else str(kind)}
        return read_model(_INSTRUMENTS, await self._fetch(path, query, timeout))

    async def books(self, exchange: str, *, timeout: Timeout = None) -> list[BookHealth]:
        """Tell how each collected book of an exchange fares, now and within the last 15 minutes.

        Raises:
            NotFound: no such exchange.
        """
        return read_model(_HEALTH, await self._fetch(f"/exchanges/{_segment(exchange)}/books", {}, timeout))

    async def server(self, *, timeout: Timeout = None) -> ServerInfo:
        """Tell what runs there: its version, whose prices it has, how one gets in."""
        return read_model(_SERVER, await self._fetch("/server", {}, timeout))

    async def klines(
        self,
        exchange: str,
        symbol: str,
        *,
        interval: Interval | str = Interval.M1,
        limit: int | None = None,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
        timeout: Timeout = None,
    ) -> Candles:
        """Fetch candles, oldest first; the latest ``limit`` (1 to 1000, 100 when absent) of the range.

        Intervals in which nothing was traded may be missing. Where there are fewer because the exchange gives
        no older ones, the answer's ``oldest_available`` says from when on it does.

        Raises:
            BadRequest: the range ends before it starts, or before the oldest candle that can be had.
            NaiveTime: a time has no zone.
            NotFound: no such exchange or symbol.
            Unavailable: the exchange does not answer now.
        """
        check_zones(start_time=start_time, end_time=end_time)
        params = {
            "interval": str(interval),
            "limit": limit,
            "start_time": _time(start_time),
            "end_time": _time(end_time),
        }
        path = f"/klines/{_segment(exchange)}/{_segment(symbol)}"
        answer = await self._fetch(path, params, timeout)
        candles = read_model(_CANDLES, answer)
        found = Candles(candles)
        if answer.oldest_available is not None:
            found.oldest_available = read_model(_REACH, replace(answer, body=answer.oldest_available))
        return found

    async def orderbook(
        self,
        exchange: str,
        symbol: str,
        *,
        depth: int | None = None,
        own: bool = False,
        timeout: Timeout = None,
    ) -> BookTop:
        """Fetch one book; ``aggregate`` as exchange merges all. Its ``status`` says whether it is current.

        Args:
            exchange: its name, or ``aggregate``.
            symbol: any spelling the server knows: ``BTC-USDT``, ``btcusdt``, ``BTC/USDT``.
            depth: levels a side, at most 100.
            own: also what you took of these levels and has not grown back; needs a sign-in.
            timeout: how long this call may take, retries included, instead of what the config says.

        Raises:
            NotFound: no such exchange or symbol.
            NotAuthenticated: ``own`` without a sign-in that counts.
            Unavailable: no book could be had within the server's 5 seconds.
        """
        path = f"/orderbook/{_segment(exchange)}/{_segment(symbol)}"
        params = {"depth": depth, "own": "true" if own else None}
        return read_model(_BOOK, await self._fetch(path, params, timeout, signed=own))

    async def trades(
        self, exchange: str, symbol: str, *, limit: int | None = None, timeout: Timeout = None
    ) -> list[PublicTrade]:
        """Fetch public trades, newest first: those that the server received since it collects the book.

        Args:
            exchange: its name, or ``aggregate``: of all.
            symbol: any spelling the server knows.
            limit: at most so many, 1 to 100; 100 when absent.
            timeout: how long this call may take, retries included, instead of what the config says.

        Raises:
            NotFound: no such exchange or symbol.
            Unavailable: the book could not be had within the server's 5 seconds.
        """
        path = f"/trades/{_segment(exchange)}/{_segment(symbol)}"
        return read_model(_TRADES, await self._fetch(path, {"limit": limit}, timeout))

    async def _fetch(
        self, path: str, params: dict[str, Any], timeout: Timeout = None, *, signed: bool = False
    ) -> Answer:
        given = {name: str(value) for name, value in params.items() if value is not None}
        answer = await self._transport.send(
            Call(method="GET", path=path, params=given, signed=signed, repeatable=True, timeout=timeout)
        )
        return answer


def _segment(text: str) -> str:
    """Write a name as one path segment; the server reads ``BTC-USDT`` where ``BTC/USDT`` was meant."""
    return quote(text.replace("/", "-"), safe="")


def _time(value: datetime | str | None) -> str | None:
    return format_time(value) if isinstance(value, datetime) else value
