"""Describe Kraken Spot: addresses, limits, requests. Market data only, no key.

Manuals: Spot WebSockets v2 (introduction, book, trades, ping), Spot REST (OHLC, AssetPairs, Depth).
"""

from collections.abc import Iterable, Sequence

from twap_models.enums import Integrity, Interval
from twap_server.domain.market.entries import Entries
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
)
from twap_server.exchanges.kraken import mapper, names, refusals, rest, wire
from twap_server.exchanges.kraken.sequencer import KrakenSequencer

_MINUTES = {
    Interval.M1: "1",
    Interval.M5: "5",
    Interval.M15: "15",
    Interval.M30: "30",
    Interval.H1: "60",
    Interval.H4: "240",
    Interval.D1: "1440",
}


class KrakenStream(Stream):
    """One connection to the public stream."""

    def __init__(self, grids: dict[str, mapper.Grid], depth: int) -> None:
        """Args: grids: how each symbol's numbers are written; depth: levels to ask for."""
        super().__init__()
        self._grids, self._depth = grids, depth

    def opening(self) -> Sequence[WsRequest]:
        """The status of all pairs; heartbeats and the exchange's own status come unasked."""
        number = self.next_id()
        return (WsRequest(request_id=number, text=mapper.encode(wire.InstrumentRequest(req_id=number))),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for the books, one for the trades."""
        return self._both("subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for the books, one for the trades."""
        return self._both("unsubscribe", instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the answer starts with a snapshot."""
        return (
            self._book("unsubscribe", [instrument], self.next_id()),
            self._book("subscribe", [instrument], self.next_id()),
        )

    def ping(self) -> str:
        """Keep the connection open and the answer coming."""
        return mapper.encode(wire.Request(method="ping", req_id=self.next_id()))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._grids)

    def _both(self, method: str, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        if not instruments:
            return ()
        book = self._book(method, instruments, self.next_id())
        number = self.next_id()
        params = wire.TradeParams(symbol=[_stream_symbol(one) for one in instruments])
        trades = wire.TradeRequest(method=method, req_id=number, params=params)
        return (
            book,
            WsRequest(
                request_id=number,
                text=mapper.encode(trades),
                symbols=tuple(one.id.symbol for one in instruments),
                is_book=False,
                acks=len(instruments),
            ),
        )

    def _book(self, method: str, instruments: Sequence[Instrument], request_id: int) -> WsRequest:
        params = wire.BookParams(symbol=[_stream_symbol(one) for one in instruments], depth=self._depth)
        return WsRequest(
            request_id=request_id,
            text=mapper.encode(wire.Request(method=method, req_id=request_id, params=params)),
            symbols=tuple(one.id.symbol for one in instruments),
            acks=len(instruments),
        )


class KrakenExchange(Exchange):
    """Books with checksums from ``book``, trades from ``trade``."""

    name = "kraken"
    by_default = True
    integrity = Integrity.CHECKSUM
    start = Start.PUSHED
    limits = Limits(
        connects=Rate(150, 600),
        sends=(Rate(20, 1),),
        symbols_per_connection=50,
        symbols_per_request=1,  # a refusal then always names its symbol
        rest={"": Rate(60, 60)},
    )
    liveness = Liveness(silence_s=5, beat_s=1, ping_every_s=30)
    klines = KlineRules(native=_MINUTES, max_rows=720, pages=False)
    depths = (10, 25, 100, 500, 1000)
    usual_depth = 100
    default_ws_url = "wss://ws.kraken.com/v2"
    default_rest_url = "https://api.kraken.com"
    tells_status = True

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        super().__init__(ws_url=ws_url, rest_url=rest_url, depth=depth)
        if not self.ws_url.endswith("/v2"):
            self.ws_url += "/v2"
        self._grids: dict[str, mapper.Grid] = {}

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Replace the mapping of symbols."""
        self._grids.clear()
        self._grids.update((_stream_symbol(one), mapper.trading_rules_of(one)) for one in instruments)

    def new_stream(self) -> KrakenStream:
        """Begin a connection."""
        return KrakenStream(self._grids, self.book_depth)

    def new_sequencer(self, instrument: Instrument) -> KrakenSequencer:
        """Build the checksum rule."""
        return KrakenSequencer()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All pairs of ``AssetPairs``."""
        body = yield HttpRequest(path="/0/public/AssetPairs")
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """The newest 720 rows and the open one: nothing older can be reached."""
        minutes = self.klines.native[page.interval]
        body = yield HttpRequest(
            path="/0/public/OHLC", params={"pair": instrument.native, "interval": minutes}
        )
        return rest.candles(body, int(minutes))

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        params = {"pair": instrument.native, "count": str(min(self.book_depth, 500))}
        body = yield HttpRequest(path="/0/public/Depth", params=params)
        return rest.depth(body, instrument.id.symbol)


def _stream_symbol(instrument: Instrument) -> str:
    """From the exchange's own name of the pair, which is the first alias."""
    wsname = next(iter(instrument.aliases), f"{instrument.base}/{instrument.quote}")
    return names.on_stream(wsname)
