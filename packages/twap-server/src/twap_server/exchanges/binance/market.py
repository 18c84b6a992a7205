"""Describe what spot and USD-M futures of Binance have in common: the combined stream, and REST."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import Refusal
from twap_server.exchanges.base import (
    Asking,
    Exchange,
    HttpRequest,
    KlineRules,
    Liveness,
    Page,
    Start,
    Stream,
    WsRequest,
    asked,
)
from twap_server.exchanges.binance import mapper, refusals, wire
from twap_server.exchanges.decode import decoder, named_by, row_name

_decode_info = decoder(wire.ExchangeInfo)
_decode_depth = decoder(wire.Depth)
_decode_rows = decoder(list[msgspec.Raw])
_decode_row = decoder(wire.KlineRow)


class CombinedStream(Stream):
    """One connection to the combined stream of a market."""

    beat: ClassVar[str]
    """A stream that is always busy."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols

    def opening(self) -> Sequence[WsRequest]:
        """The busy stream: the exchange sends no heartbeats."""
        return (_request("SUBSCRIBE", [self.beat], (), self.next_id()),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for all streams of up to ``symbols_per_request`` instruments."""
        return self._about("SUBSCRIBE", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for all streams."""
        return self._about("UNSUBSCRIBE", instruments)

    def _about(self, method: str, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        if not instruments:
            return ()
        streams = [f"{one.native.lower()}@{kind}" for one in instruments for kind in ("depth@100ms", "trade")]
        symbols = tuple(one.id.symbol for one in instruments)
        return (_request(method, streams, symbols, self.next_id()),)


class BinanceMarket(Exchange):
    """Books from ``<symbol>@depth@100ms`` and a REST snapshot, trades from ``<symbol>@trade``."""

    integrity = Integrity.SEQUENCE
    start = Start.FETCHED
    liveness = Liveness(silence_s=20, beat_s=2)
    klines = KlineRules(
        native={one: one.value for one in Interval if one is not Interval.D3},  # whose phase is its own
        max_rows=1000,
        pages=True,
    )
    usual_depth = 1000
    rest_root: ClassVar[str]
    """What all paths of REST begin with."""
    depth_weights: ClassVar[Sequence[tuple[int, int]]]
    """What a book costs: up to so many levels, so much."""
    row_weights: ClassVar[Sequence[tuple[int, int]]]
    """What candles cost."""

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        super().__init__(ws_url=ws_url, rest_url=rest_url, depth=depth)
        if not self.ws_url.endswith("/stream"):
            self.ws_url += "/stream"  # the combined stream
        self._snapshot_depth, self.book_depth = self.book_depth, 0

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """The newest rows up to the end."""
        params = {
            "symbol": instrument.native,
            "interval": self.klines.native[page.interval],
            "limit": str(page.limit),
            "endTime": str(page.end // MILLISECOND),
        }
        weight = _cost(page.limit, self.row_weights)
        return asked(
            HttpRequest(path=f"{self.rest_root}/klines", params=params, weight=weight), _read_candles
        )

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, ``depth`` levels a side."""
        depth = self._snapshot_depth
        params = {"symbol": instrument.native, "limit": str(depth)}
        weight = _cost(depth, self.depth_weights)
        body = yield HttpRequest(path=f"{self.rest_root}/depth", params=params, weight=weight)
        return mapper.to_snapshot(_decode_depth(body), instrument.id.symbol)

    @abstractmethod
    def read_symbol(self, entry: bytes) -> Instrument | None:
        """Read one symbol of ``exchangeInfo``; None where it is not of this market."""

    def read_info(self, body: bytes) -> Entries[Instrument]:
        """Read ``exchangeInfo``."""

        def read(raw: msgspec.Raw) -> Instrument | None:
            return self.read_symbol(bytes(raw))

        return read_each(_decode_info(body).symbols, read, name=named_by("symbol"))


def _read_candles(body: bytes) -> Entries[Candle]:
    """Read rows of 12 fields."""

    def read(raw: msgspec.Raw) -> Candle:
        return mapper.to_candle(_decode_row(bytes(raw)))

    return read_each(_decode_rows(body), read, name=row_name)


def _cost(count: int, weights: Sequence[tuple[int, int]]) -> int:
    return next(weight for most, weight in weights if count <= most)


def _request(method: str, streams: list[str], symbols: tuple[str, ...], request_id: int) -> WsRequest:
    request = wire.SubscribeRequest(method=method, params=streams, id=request_id)
    return WsRequest(request_id=request_id, text=msgspec.json.encode(request).decode(), symbols=symbols)
