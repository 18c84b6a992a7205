"""Describe Bitstamp (spot): addresses, limits, requests. Market data only, no key.

Manuals: WebSocket API v2 (channels, errors, heartbeat), HTTP API v2 (pairs, OHLC, order book, limits).
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
from twap_server.exchanges.bitstamp import mapper, refusals, rest, wire

_SECONDS = {
    Interval.M1: "60",
    Interval.M3: "180",
    Interval.M5: "300",
    Interval.M15: "900",
    Interval.M30: "1800",
    Interval.H1: "3600",
    Interval.H2: "7200",
    Interval.H4: "14400",
    Interval.H6: "21600",
    Interval.H12: "43200",
    Interval.D1: "86400",
}
_BUSY = "btcusd"
"""A market that changes every second, for the opening stream."""


class BitstampStream(Stream):
    """One connection to the public stream."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols

    def opening(self) -> Sequence[WsRequest]:
        """The changes of the busiest book: the exchange is mute by itself, and no book needs this channel."""
        return (self._request("bts:subscribe", wire.DIFFS + _BUSY, ()),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book, one for its trades."""
        return self._both("bts:subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book, one for its trades."""
        return self._both("bts:unsubscribe", instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book, where no message of it comes."""
        channel, symbols = wire.BOOK + instrument.native, (instrument.id.symbol,)
        return (
            self._request("bts:unsubscribe", channel, symbols),
            self._request("bts:subscribe", channel, symbols),
        )

    def ping(self) -> str:
        """Keep the connection open."""
        return mapper.encode(wire.Request(event="bts:heartbeat"))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._symbols)

    def _both(
        self, kind: Literal["bts:subscribe", "bts:unsubscribe"], instruments: Sequence[Instrument]
    ) -> Sequence[WsRequest]:
        return tuple(
            self._request(kind, channel + one.native, (one.id.symbol,))
            for one in instruments
            for channel in (wire.BOOK, wire.TRADES)
        )

    def _request(
        self, kind: Literal["bts:subscribe", "bts:unsubscribe"], channel: str, symbols: tuple[str, ...]
    ) -> WsRequest:
        return WsRequest(
            request_id=self.next_id(),
            text=mapper.encode(wire.Request(event=kind, data=wire.Channel(channel=channel))),
            symbols=symbols,
            is_book=channel.startswith(wire.BOOK),
        )


class BitstampExchange(Exchange):
    """Books from ``order_book_…``, whole each time; trades from ``live_trades_…``."""

    name = "bitstamp"
    integrity = Integrity.WHOLE
    start = Start.WHOLE
    limits = Limits(
        connects=Rate(20, 60),  # no limit is stated
        sends=(Rate(20, 1),),  # nor here
        symbols_per_connection=50,  # 1,024 channels are allowed; a busy book is 100 kB a second
        symbols_per_request=1,
        rest={"": Rate(8000, 600)},  # the limit is 10,000 in 10 minutes
    )
    liveness = Liveness(silence_s=20, beat_s=2, ping_every_s=20)
    klines = KlineRules(native=_SECONDS, max_rows=1000, pages=True, gaps=True)
    depths = (100,)
    usual_depth = 100
    default_ws_url = "wss://ws.bitstamp.net"
    default_rest_url = "https://www.bitstamp.net"

    def new_stream(self) -> BitstampStream:
        """Begin a connection."""
        return BitstampStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> SnapshotFirst:
        """Take each message as the whole book: it heals what one before it lost."""
        return SnapshotFirst()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All pairs: one request, however many are wanted."""
        body = yield HttpRequest(path="/api/v2/trading-pairs-info/")
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page, by both ends."""
        seconds = self.klines.native[page.interval]
        params = {
            "step": seconds,
            "limit": str(page.limit),
            "start": str(page.start // SECOND),
            "end": str(page.end // SECOND),
        }
        body = yield HttpRequest(path=f"/api/v2/ohlc/{instrument.native}/", params=params)
        return rest.candles(body, int(seconds))

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        path = f"/api/v2/order_book/{instrument.native}/"
        body = yield HttpRequest(path=path, params={"group": "1"})
        return rest.depth(body, instrument.id.symbol)
