"""Describe KuCoin spot: addresses, limits, requests. Market data only, no key.

Manuals: UTA WebSocket (introduction, order book, trade, ticker), Spot REST (symbols, klines, order book).
"""

from collections.abc import Sequence
from typing import Literal

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import SECOND
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
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.kucoin import mapper, refusals, rest, wire

_NATIVE = {
    Interval.M1: "1min",
    Interval.M3: "3min",
    Interval.M5: "5min",
    Interval.M15: "15min",
    Interval.M30: "30min",
    Interval.H1: "1hour",
    Interval.H2: "2hour",
    Interval.H4: "4hour",
    Interval.H6: "6hour",
    Interval.H8: "8hour",
    Interval.H12: "12hour",
    Interval.D1: "1day",
}
"""All are counted from 1970 on, its weeks too: those begin on Thursdays, so they are no use to us."""

Action = Literal["subscribe", "unsubscribe"]


class KucoinStream(Stream):
    """One connection to the public stream."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols

    def opening(self) -> Sequence[WsRequest]:
        """The best prices of the busiest pair."""
        return (self._request("subscribe", "ticker", "BTC-USDT"),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """A request for each book and each instrument's trades."""
        return self._both("subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """A request for each book and each instrument's trades."""
        return self._both("unsubscribe", instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the answer starts with a snapshot."""
        return (
            self._request("unsubscribe", "obu", instrument.native, instrument),
            self._request("subscribe", "obu", instrument.native, instrument),
        )

    def ping(self) -> str:
        """Keep the connection open."""
        return mapper.encode(wire.Ping(id=str(self.next_id())))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._symbols)

    def _both(self, action: Action, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        return [
            self._request(action, channel, one.native, one)
            for one in instruments
            for channel in ("obu", "trade")
        ] or ()

    def _request(self, action: Action, channel: str, native: str, *about: Instrument) -> WsRequest:
        number = self.next_id()
        request = wire.Request(
            id=str(number),
            action=action,
            channel=channel,
            symbol=native,
            depth=wire.DEPTH if channel == "obu" else "",
        )
        return WsRequest(
            request_id=number,
            text=mapper.encode(request),
            symbols=tuple(one.id.symbol for one in about),
            is_book=channel == "obu",
        )


class KucoinExchange(Exchange):
    """Books from ``obu``, whose snapshot comes on the stream, trades from ``trade``.

    This is its newer stream ("UTA"), which asks for no token. The full snapshot that the older one joins is
    served only to accounts.
    """

    name = "kucoin"
    integrity = Integrity.SEQUENCE
    start = Start.PUSHED
    limits = Limits(
        connects=Rate(20, 60),
        sends=(Rate(90, 10),),  # 100 or 300, the sources differ
        symbols_per_connection=95,  # two topics each; 200 or 600, the sources differ
        symbols_per_request=1,
        rest={"": Rate(2000, 30)},
        heaviest=4,
    )
    liveness = Liveness(silence_s=20, beat_s=2, ping_every_s=9, greets=True)  # it asks for one every 18 s
    klines = KlineRules(native=_NATIVE, max_rows=1500, pages=True, gaps=True)
    depths = (500,)
    usual_depth = 500
    default_ws_url = "wss://x-push-spot.kucoin.com"
    default_rest_url = "https://api.kucoin.com"

    def new_stream(self) -> KucoinStream:
        """Begin a connection."""
        return KucoinStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow O and C (manual: Order Book, increment)."""
        return Chain()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All symbols: one request, however many are wanted."""
        body = yield HttpRequest(path="/api/v2/symbols", weight=4)
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page, by its times; its end lies within the last candle, whether or not it counts itself."""
        seconds = length(page.interval) // SECOND
        params = {
            "symbol": instrument.native,
            "type": self.klines.native[page.interval],
            "startAt": str(page.start // SECOND),
            "endAt": str(page.end // SECOND + seconds - 1),
        }
        body = yield HttpRequest(path="/api/v1/market/candles", params=params, weight=3)
        return rest.candles(body, seconds)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The best 100 levels, for comparison only."""
        params = {"symbol": instrument.native}
        body = yield HttpRequest(path="/api/v1/market/orderbook/level2_100", params=params, weight=2)
        return rest.book(body, instrument.id.symbol)
