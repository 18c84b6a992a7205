"""Describe Coinbase's older feed, Exchange (spot): addresses, limits, requests. Market data only, no key.

Advanced Trade (``exchanges/coinbase``) is the same market with a proof; this one stays for its recordings.

Manuals: Exchange WebSocket Feed (overview, channels, rate limits), Exchange REST API (products, candles).
"""

from collections.abc import Sequence
from typing import Literal

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import SECOND
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
    SnapshotFirst,
    Start,
    Stream,
    WsRequest,
)
from twap_server.exchanges.coinbase_exchange import mapper, refusals, rest, wire
from twap_server.exchanges.scan import scan_of

scan = scan_of("twap_server.exchanges.coinbase_exchange")
_SECONDS = {
    Interval.M1: "60",
    Interval.M5: "300",
    Interval.M15: "900",
    Interval.H1: "3600",
    Interval.H6: "21600",
    Interval.D1: "86400",
}
_BOOK, _TRADES = "level2_batch", "matches"


class CoinbaseExchangeStream(Stream):
    """One connection to the public feed."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols

    def opening(self) -> Sequence[WsRequest]:
        """A heartbeat a second; who asks for nothing within 5 s is disconnected."""
        text = mapper.encode(wire.Request(type="subscribe", product_ids=["BTC-USD"], channels=["heartbeat"]))
        return (WsRequest(request_id=self.next_id(), text=text),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for books and trades: the acknowledgement lists both."""
        return (_request("subscribe", instruments, (_BOOK, _TRADES), self.next_id()),) if instruments else ()

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for books and trades."""
        return (
            (_request("unsubscribe", instruments, (_BOOK, _TRADES), self.next_id()),) if instruments else ()
        )

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the answer starts with a snapshot."""
        return (
            _request("unsubscribe", [instrument], (_BOOK,), self.next_id()),
            _request("subscribe", [instrument], (_BOOK,), self.next_id()),
        )

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        change = scan(raw, self._symbols)
        return mapper.to_events(raw, self._symbols) if change is None else (change,)


class CoinbaseExchangeFeed(Exchange):
    """Books from ``level2_batch``, trades from ``matches``. Nothing here proves that a book is whole.

    A message lost within a connection cannot be noticed. Two things bound the harm: a crossed book is
    resynced at once, and each book is asked for anew every ``refresh_s`` seconds, which brings a snapshot.
    """

    name = "coinbase-exchange"
    feed_of = ("coinbase",)
    integrity = Integrity.NONE
    start = Start.PUSHED
    refresh_s = 300
    limits = Limits(
        connects=Rate(8, 1),
        sends=(Rate(20, 1),),  # the limit is 100 for an address
        symbols_per_connection=10,  # a snapshot of a busy book has megabytes
        symbols_per_request=1,  # one bad product and the whole request is ignored
        rest={"": Rate(480, 60)},  # the limit is 10 a second
    )
    liveness = Liveness(silence_s=5, beat_s=1)
    klines = KlineRules(native=_SECONDS, max_rows=300, pages=True, gaps=True)
    default_ws_url = "wss://ws-feed.exchange.coinbase.com"
    other_ws_urls = ("wss://ws-feed.pro.coinbase.com",)
    default_rest_url = "https://api.exchange.coinbase.com"

    def new_stream(self) -> CoinbaseExchangeStream:
        """Begin a connection."""
        return CoinbaseExchangeStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> SnapshotFirst:
        """Take changes in order of arrival: that all arrive is not proven."""
        return SnapshotFirst()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All products: one request, however many are wanted."""
        body = yield HttpRequest(path="/products")
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page: start and end come together, for one alone is ignored."""
        seconds = self.klines.native[page.interval]
        params = {
            "granularity": seconds,
            "start": str(page.start // SECOND),
            "end": str(page.end // SECOND),
        }
        body = yield HttpRequest(path=f"/products/{instrument.native}/candles", params=params)
        return rest.candles(body, int(seconds))

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        body = yield HttpRequest(path=f"/products/{instrument.native}/book", params={"level": "2"})
        return rest.depth(body, instrument.id.symbol)


def _request(
    kind: Literal["subscribe", "unsubscribe"],
    instruments: Sequence[Instrument],
    channels: Sequence[str],
    request_id: int,
) -> WsRequest:
    request = wire.Request(
        type=kind, product_ids=[one.native for one in instruments], channels=list(channels)
    )
    symbols = tuple(one.id.symbol for one in instruments)
    return WsRequest(
        request_id=request_id, text=mapper.encode(request), symbols=symbols, acks=len(instruments)
    )
