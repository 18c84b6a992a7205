"""Describe Bitget (spot): addresses, limits, requests. Market data only, no key.

Manual: Bitget API v2, spot (Websocket API, Depth Channel, Trading Channel, market data over REST).
"""

from collections.abc import Sequence

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND
from twap_server.domain.market.candles import bucket_end
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
from twap_server.exchanges.bitget import mapper, refusals, rest, wire
from twap_server.exchanges.chain import Chain

_GRANULARITIES = {
    Interval.M1: "1min",
    Interval.M3: "3min",
    Interval.M5: "5min",
    Interval.M15: "15min",
    Interval.M30: "30min",
    Interval.H1: "1h",
    Interval.H4: "4h",
    Interval.H6: "6Hutc",
    Interval.H12: "12Hutc",
    Interval.D1: "1Dutc",
    Interval.W1: "1Wutc",
    Interval.MONTH: "1Mutc",
}
"""Those without ``utc`` begin at UTC+8 from 6 hours on."""
_RECENT, _OLDER = "candles", "history-candles"
"""The first reaches back some weeks, the second further, at most 200 rows at a time."""


class BitgetStream(Stream):
    """One connection to the public stream. Answers name channels, not requests."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols

    def opening(self) -> Sequence[WsRequest]:
        """The busiest pair's ticker, several a second: the exchange sends no heartbeats."""
        return (self._request("subscribe", [wire.Arg(channel=wire.TICKER, inst_id="BTCUSDT")]),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for books and trades: 240 an hour are allowed."""
        return self._all("subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for books and trades."""
        return self._all("unsubscribe", instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the answer starts with a snapshot."""
        args = [wire.Arg(channel=wire.BOOKS, inst_id=instrument.native)]
        return tuple(self._request(op, args, instrument) for op in ("unsubscribe", "subscribe"))

    def ping(self) -> str:
        """A word that is no JSON; who is silent for two minutes is cut off."""
        return "ping"

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._symbols)

    def _all(self, op: str, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        if not instruments:
            return ()
        channels = (wire.BOOKS, wire.TRADES)
        args = [wire.Arg(channel=channel, inst_id=one.native) for channel in channels for one in instruments]
        return (self._request(op, args, *instruments),)

    def _request(self, op: str, args: list[wire.Arg], *about: Instrument) -> WsRequest:
        """Ask; only the acknowledgements of books are waited for."""
        return WsRequest(
            request_id=self.next_id(),
            text=mapper.encode(wire.Request(op=op, args=args)),
            symbols=tuple(one.id.symbol for one in about),
            is_book=bool(about),
            acks=len(about),
        )


class BitgetExchange(Exchange):
    """Books from ``books``, up to 500 levels a side, chained by their changes; trades from ``trade``.

    This is version 2 of its stream. Version 3 has the same books and numbers.
    """

    name = "bitget"
    integrity = Integrity.SEQUENCE
    start = Start.PUSHED
    limits = Limits(
        connects=Rate(300, 300),
        sends=(Rate(8, 1), Rate(240, 3600)),  # of 10 a second, pings among them
        symbols_per_connection=24,  # two channels each, of 50 that are recommended
        symbols_per_request=10,
        rest={"": Rate(20, 1)},
    )
    liveness = Liveness(silence_s=30, beat_s=1, ping_every_s=20)
    klines = KlineRules(native=_GRANULARITIES, max_rows=200, pages=True)
    default_ws_url = "wss://ws.bitget.com/v2/ws/public"
    default_rest_url = "https://api.bitget.com"

    def new_stream(self) -> BitgetStream:
        """Begin a connection."""
        return BitgetStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow ``pseq`` and ``seq``: no counter, but a chain."""
        return Chain(links=True)

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All spot instruments: one request, however many are wanted."""
        body = yield HttpRequest(path="/api/v2/spot/public/symbols")
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """The newest rows up to a moment within the last candle; what is older comes from elsewhere."""
        every: Entries[Candle] = Entries([])
        until, missing = bucket_end(page.end, page.interval) // MILLISECOND - 1, page.limit
        for endpoint in (_RECENT, _OLDER):
            params = {
                "symbol": instrument.native,
                "granularity": self.klines.native[page.interval],
                "endTime": str(until),
                "limit": str(missing),
            }
            body = yield HttpRequest(path=f"/api/v2/spot/market/{endpoint}", params=params)
            older = rest.candles(body, page.interval)
            every = older + every
            missing -= len(older.found) + len(older.left_out)
            if missing <= 0 or (older.left_out and not older.found):
                break
            if older.found and older.found[0].open_time <= page.start:
                break
            if older.found:
                until = older.found[0].open_time // MILLISECOND - 1
        return every

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The best 150 levels, for comparison only."""
        params = {"symbol": instrument.native, "type": "step0", "limit": "150"}
        body = yield HttpRequest(path="/api/v2/spot/market/orderbook", params=params)
        return rest.depth(body, instrument.id.symbol)
