"""Describe Binance USD-M futures: linear perpetual swaps. Market data only, no key.

Manual: USDⓈ-M Futures (WebSocket Market Streams, How to manage a local order book correctly, Market Data).
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
from twap_server.exchanges.binance_usdm import mapper, refusals, wire
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.decode import decoder, named_by, row_name

_decode_info = decoder(wire.ExchangeInfo)
_decode_contract = decoder(wire.Contract)
_decode_depth = decoder(wire.Depth)
_decode_entry = decoder(wire.SymbolEntry)
_decode_rows = decoder(list[msgspec.Raw])
_decode_row = decoder(wire.KlineRow)

_PERPETUAL = "PERPETUAL"
_DEPTH_WEIGHTS = ((100, 5), (500, 10), (1000, 20))
_KLINE_WEIGHTS = ((99, 1), (499, 2), (1000, 5))


class BinanceUsdmStream(Stream):
    """One connection to the combined stream."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols

    def opening(self) -> Sequence[WsRequest]:
        """The best levels of the busiest contract; candles come over another address only."""
        number = self.next_id()
        return (WsRequest(request_id=number, text=_text("SUBSCRIBE", [mapper.BEAT], number)),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for all streams of up to ``symbols_per_request`` instruments."""
        return (_request("SUBSCRIBE", instruments, self.next_id()),) if instruments else ()

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for all streams."""
        return (_request("UNSUBSCRIBE", instruments, self.next_id()),) if instruments else ()

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._symbols)


class BinanceUsdmExchange(Exchange):
    """Books from ``<symbol>@depth@100ms`` and a REST snapshot, trades from ``<symbol>@trade``.

    Since 2026-04 streams stand at ``/public`` or ``/market``: books and single trades at the first, candles
    and summed trades at the second. A stream asked for at the wrong one is acknowledged and stays silent.
    """

    name = "binance-usdm"
    integrity = Integrity.SEQUENCE
    start = Start.FETCHED
    limits = Limits(
        connects=Rate(60, 300),  # no figure is published; spot allows five times as many
        sends=(Rate(8, 1),),  # the limit is 10, pongs count
        symbols_per_connection=90,  # the limit is 200 streams
        symbols_per_request=50,
        rest={"": Rate(2400, 60)},
    )
    liveness = Liveness(silence_s=20, beat_s=2)
    klines = KlineRules(
        native={one: one.value for one in Interval if one is not Interval.D3},  # whose phase is its own
        max_rows=1000,
        pages=True,
    )
    depths = (100, 500, 1000)
    usual_depth = 1000
    default_ws_url = "wss://fstream.binance.com/public"
    default_rest_url = "https://fapi.binance.com"

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        super().__init__(ws_url=ws_url, rest_url=rest_url, depth=depth)
        if not self.ws_url.endswith("/stream"):
            self.ws_url += "/stream"  # the combined stream
        self._snapshot_depth, self.book_depth = self.book_depth, 0

    def new_stream(self) -> BinanceUsdmStream:
        """Begin a connection."""
        return BinanceUsdmStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow pu and u: each change names its predecessor."""
        return Chain(holds=True, links=True)

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All perpetuals of ``exchangeInfo``, which cannot be asked for some symbols only."""
        return asked(HttpRequest(path="/fapi/v1/exchangeInfo"), self._read_info)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """The newest rows up to the end."""
        params = {
            "symbol": instrument.native,
            "interval": self.klines.native[page.interval],
            "limit": str(page.limit),
            "endTime": str(page.end // MILLISECOND),
        }
        weight = next(cost for rows, cost in _KLINE_WEIGHTS if page.limit <= rows)
        return asked(HttpRequest(path="/fapi/v1/klines", params=params, weight=weight), _read_candles)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, ``depth`` levels a side."""
        depth = self._snapshot_depth
        weight = next(cost for levels, cost in _DEPTH_WEIGHTS if depth <= levels)
        params = {"symbol": instrument.native, "limit": str(depth)}
        body = yield HttpRequest(path="/fapi/v1/depth", params=params, weight=weight)
        return mapper.to_snapshot(_decode_depth(body), instrument.id.symbol)

    def _read_info(self, body: bytes) -> Entries[Instrument]:
        def read(raw: msgspec.Raw) -> Instrument | None:
            entry = bytes(raw)
            if _decode_contract(entry).contractType != _PERPETUAL:
                return None
            return mapper.to_instrument(_decode_entry(entry), self.name)

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
    return msgspec.json.encode({"method": method, "params": params, "id": request_id}).decode()
