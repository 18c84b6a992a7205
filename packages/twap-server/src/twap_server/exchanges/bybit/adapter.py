"""Describe Bybit (spot): addresses, limits, requests. Market data only, no key.

Manual: Bybit V5 API (connect, orderbook, trade, ticker; market data over REST; rate limit).
"""

from collections.abc import Sequence

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.market.candles import length
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
from twap_server.exchanges.bybit import mapper, refusals, rest, wire
from twap_server.exchanges.chain import Chain

_INTERVALS = {
    Interval.M1: "1",
    Interval.M3: "3",
    Interval.M5: "5",
    Interval.M15: "15",
    Interval.M30: "30",
    Interval.H1: "60",
    Interval.H2: "120",
    Interval.H4: "240",
    Interval.H6: "360",
    Interval.H12: "720",
    Interval.D1: "D",
}
"""Its weeks and months are left out: the manual does not say where they begin."""
_REST_LEVELS = 1000


class BybitStream(Stream):
    """One connection to the public stream of spot."""

    def __init__(self, symbols: dict[str, str], depth: int) -> None:
        """Args: symbols: native to canonical, grows and shrinks with the list; depth: levels to ask for."""
        super().__init__()
        self._symbols, self._depth = symbols, depth

    def opening(self) -> Sequence[WsRequest]:
        """The busiest pair's ticker, several a second: the exchange sends no heartbeats."""
        return (self._request("subscribe", [f"{mapper.TICKER}BTCUSDT"], (), is_book=False),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for books and trades of up to five instruments: ten topics."""
        return (self._all("subscribe", instruments),) if instruments else ()

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for books and trades."""
        return (self._all("unsubscribe", instruments),) if instruments else ()

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the answer starts with a snapshot."""
        symbols, topics = (instrument.id.symbol,), [self._book(instrument)]
        return tuple(self._request(op, topics, symbols, is_book=True) for op in ("unsubscribe", "subscribe"))

    def ping(self) -> str:
        """Keep the connection open, and an answer coming."""
        return mapper.encode(wire.Request(req_id=str(self.next_id()), op="ping"))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._symbols)

    def _book(self, instrument: Instrument) -> str:
        return f"{mapper.BOOK}{self._depth}.{instrument.native}"

    def _all(self, op: str, instruments: Sequence[Instrument]) -> WsRequest:
        topics = [self._book(one) for one in instruments]
        topics += [f"{mapper.TRADE}{one.native}" for one in instruments]
        return self._request(op, topics, tuple(one.id.symbol for one in instruments), is_book=True)

    def _request(self, op: str, topics: list[str], symbols: tuple[str, ...], *, is_book: bool) -> WsRequest:
        number = self.next_id()
        text = mapper.encode(wire.Request(req_id=str(number), op=op, args=topics))
        return WsRequest(request_id=number, text=text, symbols=symbols, is_book=is_book)


class BybitExchange(Exchange):
    """Books from ``orderbook.200``, whose messages are counted one by one; trades from ``publicTrade``."""

    name = "bybit"
    integrity = Integrity.SEQUENCE
    start = Start.PUSHED
    limits = Limits(
        connects=Rate(500, 300),
        sends=(Rate(10, 1),),  # no limit is stated
        symbols_per_connection=100,  # all topics of a connection together have 21,000 characters at most
        symbols_per_request=5,
        rest={"": Rate(300, 5)},  # the limit is 600, and ten minutes of silence for more
    )
    liveness = Liveness(silence_s=30, beat_s=1, ping_every_s=20)
    klines = KlineRules(native=_INTERVALS, max_rows=1000, pages=True)
    depths = (50, 200, 1000)
    usual_depth = 200
    default_ws_url = "wss://stream.bybit.com/v5/public/spot"
    default_rest_url = "https://api.bybit.com"

    def new_stream(self) -> BybitStream:
        """Begin a connection."""
        return BybitStream(self._symbols, self.book_depth)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow ``u``, which counts the messages of a topic one by one."""
        return Chain()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All spot instruments: one page here."""
        body = yield HttpRequest(path="/v5/market/instruments-info", params={"category": "spot"})
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """The newest rows up to the end; without a category they would be those of the perpetual."""
        params = {
            "category": "spot",
            "symbol": instrument.native,
            "interval": self.klines.native[page.interval],
            "end": str(page.end // MILLISECOND),
            "limit": str(page.limit),
        }
        body = yield HttpRequest(path="/v5/market/kline", params=params)
        return rest.candles(body, length(page.interval) // SECOND)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        params = {
            "category": "spot",
            "symbol": instrument.native,
            "limit": str(min(self.book_depth, _REST_LEVELS)),
        }
        body = yield HttpRequest(path="/v5/market/orderbook", params=params)
        return rest.depth(body, instrument.id.symbol)
