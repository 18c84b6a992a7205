"""Describe Coinbase Advanced Trade (spot): addresses, limits, requests. Market data only, no key.

Manuals: Advanced Trade WebSocket (overview, channels, rate limits), Advanced Trade REST (public products,
their candles and books).
"""

from collections.abc import Sequence
from typing import Literal

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import SECOND
from twap_server.domain.market.candles import length
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.errors import StreamGap, WireFormatError
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
from twap_server.exchanges.coinbase import mapper, refusals, rest, wire
from twap_server.exchanges.decode import WRONG_SHAPE

_NATIVE = {
    Interval.M1: "ONE_MINUTE",
    Interval.M5: "FIVE_MINUTE",
    Interval.M15: "FIFTEEN_MINUTE",
    Interval.M30: "THIRTY_MINUTE",
    Interval.H1: "ONE_HOUR",
    Interval.H2: "TWO_HOUR",
    Interval.H6: "SIX_HOUR",
    Interval.D1: "ONE_DAY",
}
"""``FOUR_HOUR`` is too new to be counted on: it is built from ``TWO_HOUR``."""
_MARKET = "/api/v3/brokerage/market"


class CoinbaseStream(Stream):
    """One connection to the public stream: all its messages are numbered in one row, of whatever channel."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols
        self._following: int | None = None
        """The next message's number; None before the first, and after one whose number cannot be read."""

    def opening(self) -> Sequence[WsRequest]:
        """A heartbeat a second; who asks for nothing within 5 s is disconnected."""
        text = mapper.encode(wire.Request(type="subscribe", channel="heartbeats"))
        return (WsRequest(request_id=self.next_id(), text=text),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for the books, one for the trades."""
        return self._both("subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for the books, one for the trades."""
        return self._both("unsubscribe", instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the answer starts with a snapshot."""
        return (
            self._request("unsubscribe", [instrument], "level2"),
            self._request("subscribe", [instrument], "level2"),
        )

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame, once its number follows."""
        try:
            message = mapper.decode(raw)
        except WRONG_SHAPE:
            return self._decode_unknown(raw)
        self._count(message.sequence_num)
        return mapper.to_events(message, self._symbols)

    def _decode_unknown(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Count what cannot be read as well: it is a message like any other."""
        try:
            number, events = mapper.unknown(raw, self._symbols)
        except WireFormatError as error:
            self._count_doubtful(mapper.number_of(raw), error)
            raise
        if number is not None:
            self._count(number)
        return events

    def _count(self, number: int) -> None:
        """Hold that this message follows the one before.

        Raises:
            StreamGap: it does not; nobody can tell whose messages are missing.
        """
        if self._following is not None and number != self._following:
            raise StreamGap(f"message {number} came where {self._following} was due")
        self._following = number + 1

    def _count_doubtful(self, number: int | None, error: WireFormatError) -> None:
        """Count a frame that cannot be read; without a number it may hide a loss: doubt every book."""
        if number is not None:
            self._count(number)
        else:
            self._following = error.doubted = None

    def _both(
        self, kind: Literal["subscribe", "unsubscribe"], instruments: Sequence[Instrument]
    ) -> Sequence[WsRequest]:
        if not instruments:
            return ()
        channels: tuple[wire.Channel, ...] = ("level2", "market_trades")
        return tuple(self._request(kind, instruments, channel) for channel in channels)

    def _request(
        self,
        kind: Literal["subscribe", "unsubscribe"],
        instruments: Sequence[Instrument],
        channel: wire.Channel,
    ) -> WsRequest:
        request = wire.Request(type=kind, channel=channel, product_ids=[one.native for one in instruments])
        return WsRequest(
            request_id=self.next_id(),
            text=mapper.encode(request),
            symbols=tuple(one.id.symbol for one in instruments),
            is_book=channel == "level2",
            acks=len(instruments),
        )


class CoinbaseExchange(Exchange):
    """Books from ``level2``, trades from ``market_trades``."""

    name = "coinbase"
    numbers_connections = True
    integrity = Integrity.SEQUENCE
    start = Start.PUSHED
    limits = Limits(
        connects=Rate(8, 1),
        sends=(Rate(2, 1),),  # the limit is 8 for an address, which may have several connections
        symbols_per_connection=10,  # a snapshot of a busy book has 5 MB, and one loss costs all books
        symbols_per_request=1,  # a refusal can then name its symbol
        rest={"": Rate(480, 60)},  # the limit is 10 a second
    )
    liveness = Liveness(silence_s=5, beat_s=1)
    klines = KlineRules(native=_NATIVE, max_rows=350, pages=True, gaps=True)
    default_ws_url = "wss://advanced-trade-ws.coinbase.com"
    default_rest_url = "https://api.coinbase.com"

    def new_stream(self) -> CoinbaseStream:
        """Begin a connection."""
        return CoinbaseStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> SnapshotFirst:
        """Take changes in order of arrival: what proves that all arrive is the stream's count."""
        return SnapshotFirst()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All spot products: one request, however many are wanted."""
        body = yield HttpRequest(path=f"{_MARKET}/products", params={"product_type": "SPOT"})
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page, up to the end of its newest candle: whether that moment counts is not said."""
        seconds = length(page.interval) // SECOND
        params = {
            "granularity": self.klines.native[page.interval],
            "start": str(page.start // SECOND),
            "end": str(page.end // SECOND + seconds - 1),
            "limit": str(page.limit),
        }
        body = yield HttpRequest(path=f"{_MARKET}/products/{instrument.native}/candles", params=params)
        return rest.candles(body, seconds)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        body = yield HttpRequest(path=f"{_MARKET}/product_book", params={"product_id": instrument.native})
        return rest.depth(body, instrument.id.symbol)
