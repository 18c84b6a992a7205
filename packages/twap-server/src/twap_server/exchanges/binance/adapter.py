"""Describe Binance Spot: addresses, limits, requests. Market data only, no key.

Manuals: WebSocket Streams for Binance, REST API (binance-spot-api-docs).
"""

from collections.abc import Sequence

import msgspec

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import Refusal
from twap_server.exchanges.base import (
    Asking,
    Exchange,
    HttpRequest,
    KlineRules,
    Limits,
    Liveness,
    Page,
    Rate,
    Start,
    Stream,
    WsRequest,
    asked,
)
from twap_server.exchanges.binance import mapper, refusals, wire
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.decode import decoder, named_by, row_name
from twap_server.exchanges.scan import scan_of

scan = scan_of("twap_server.exchanges.binance")
_decode_info = decoder(wire.ExchangeInfo)
_decode_depth = decoder(wire.Depth)
_decode_entry = decoder(wire.SymbolEntry)
_decode_rows = decoder(list[msgspec.Raw])
_decode_row = decoder(wire.KlineRow)

_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_SYMBOLS_AT_ONCE = 100
"""Of one request for their status: they all stand in its address."""


class BinanceStream(Stream):
    """One connection to the combined stream."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols

    def opening(self) -> Sequence[WsRequest]:
        """One candle of the busiest pair every two seconds."""
        number = self.next_id()
        return (WsRequest(request_id=number, text=_text("SUBSCRIBE", ["btcusdt@kline_1m"], number)),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for all streams of up to ``symbols_per_request`` instruments."""
        return (_request("SUBSCRIBE", instruments, self.next_id()),) if instruments else ()

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for all streams."""
        return (_request("UNSUBSCRIBE", instruments, self.next_id()),) if instruments else ()

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        change = scan(raw, self._symbols)
        return mapper.to_events(raw, self._symbols) if change is None else (change,)


class BinanceExchange(Exchange):
    """Books from ``<symbol>@depth@100ms`` and a REST snapshot, trades from ``<symbol>@trade``."""

    name = "binance"
    by_default = True
    integrity = Integrity.SEQUENCE
    start = Start.FETCHED
    limits = Limits(
        connects=Rate(300, 300),
        sends=(Rate(4, 1),),  # the limit is 5, pongs count
        symbols_per_connection=100,
        symbols_per_request=50,
        rest={"": Rate(6000, 60)},
    )
    liveness = Liveness(silence_s=20, beat_s=2)
    klines = KlineRules(
        native={one: one.value for one in Interval if one is not Interval.D3},  # whose phase is its own
        max_rows=1000,
        pages=True,
    )
    depths = (100, 500, 1000, 5000)
    usual_depth = 1000
    default_ws_url = "wss://stream.binance.com:9443"
    default_rest_url = "https://api.binance.com"

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        super().__init__(ws_url=ws_url, rest_url=rest_url, depth=depth)
        if not self.ws_url.endswith("/stream"):
            self.ws_url += "/stream"  # the combined stream
        self._snapshot_depth, self.book_depth = self.book_depth, 0

    def new_stream(self) -> BinanceStream:
        """Begin a connection."""
        return BinanceStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow U and u (manual: How to manage a local order book correctly)."""
        return Chain(holds=True)

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All symbols of ``exchangeInfo``."""
        return asked(HttpRequest(path="/api/v3/exchangeInfo", weight=20), self._read_info)

    def statuses(self, instruments: Sequence[Instrument]) -> Asking[Entries[Instrument]]:
        """The same for some symbols only: no stream tells when one stops trading."""
        natives = [one.native for one in instruments]
        found: Entries[Instrument] = Entries([])
        for at in range(0, len(natives), _SYMBOLS_AT_ONCE):
            some = msgspec.json.encode(natives[at : at + _SYMBOLS_AT_ONCE]).decode()
            body = yield HttpRequest(path="/api/v3/exchangeInfo", params={"symbols": some}, weight=20)
            found += self._read_info(body)
        return found

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """The newest rows up to the end."""
        params = {
            "symbol": instrument.native,
            "interval": self.klines.native[page.interval],
            "limit": str(page.limit),
            "endTime": str(page.end // MILLISECOND),
        }
        return asked(HttpRequest(path="/api/v3/klines", params=params, weight=2), _read_candles)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, ``depth`` levels a side."""
        depth = self._snapshot_depth
        weight = next(cost for levels, cost in _DEPTH_WEIGHTS if depth <= levels)
        params = {"symbol": instrument.native, "limit": str(depth)}
        body = yield HttpRequest(path="/api/v3/depth", params=params, weight=weight)
        return mapper.to_snapshot(_decode_depth(body), instrument.id.symbol)

    def _read_info(self, body: bytes) -> Entries[Instrument]:
        def read(raw: msgspec.Raw) -> Instrument:
            return mapper.to_instrument(_decode_entry(bytes(raw)), self.name)

        return read_each(_decode_info(body).symbols, read, name=named_by("symbol"))


def _read_candles(body: bytes) -> Entries[Candle]:
    """Read rows of 12 fields."""

    def read(raw: msgspec.Raw) -> Candle:
        return mapper.to_candle(_decode_row(bytes(raw)))

    return read_each(_decode_rows(body), read, name=row_name)


def _request(method: str, instruments: Sequence[Instrument], request_id: int) -> WsRequest:
    streams = [f"{one.native.lower()}@{kind}" for one in instruments for kind in ("depth@100ms", "trade")]
    symbols = tuple(one.id.symbol for one in instruments)
    return WsRequest(request_id=request_id, text=_text(method, streams, request_id), symbols=symbols)


def _text(method: str, params: list[str], request_id: int) -> str:
    request = wire.SubscribeRequest(method=method, params=params, id=request_id)
    return msgspec.json.encode(request).decode()
