"""Describe Gate spot: addresses, limits, requests. Market data only, no key.

Manuals: Spot WebSocket v4 (order book, trades, tickers, ping), API v4 (Spot).
"""

from collections.abc import Sequence

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
from twap_server.exchanges.gate import mapper, refusals, rest, wire

_NATIVE = {
    one: one.value
    for one in (
        Interval.M1,
        Interval.M5,
        Interval.M15,
        Interval.M30,
        Interval.H1,
        Interval.H4,
        Interval.H8,
        Interval.D1,
    )
}
"""Not its weeks and months: where those begin is not stated."""
_SPEEDS = {20: "20ms", 100: "100ms"}
"""How many levels a side are kept right, and how often their changes are told."""
_PAIRS, _CANDLES, _BOOK = "currency_pairs", "candlesticks", "order_book"
_EACH = Rate(200, 10)
"""What the exchange allows each public endpoint by itself."""


class GateStream(Stream):
    """One connection to the public stream."""

    def __init__(self, symbols: dict[str, str], depth: int) -> None:
        """Args: symbols: native to canonical, grows and shrinks with the list; depth: levels to ask for."""
        super().__init__()
        self._symbols, self._speed = symbols, _SPEEDS[depth]

    def opening(self) -> Sequence[WsRequest]:
        """The ticker of the busiest pair, once a second."""
        return (self._request("spot.tickers", "subscribe", ["BTC_USDT"]),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """A request for each book, one for all trades."""
        return self._both("subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """A request for each book, one for all trades."""
        return self._both("unsubscribe", instruments)

    def ping(self) -> str:
        """Ask for a sign of life."""
        return mapper.encode(wire.Ping(time=self._seconds()))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._symbols)

    def _both(self, event: str, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        if not instruments:
            return ()
        books = [self._request(wire.BOOK, event, [one.native, self._speed], one) for one in instruments]
        natives = [one.native for one in instruments]
        return (*books, self._request("spot.trades", event, natives, *instruments))

    def _request(self, channel: str, event: str, payload: list[str], *about: Instrument) -> WsRequest:
        number = self.next_id()
        request = wire.Request(time=self._seconds(), id=number, channel=channel, event=event, payload=payload)
        return WsRequest(
            request_id=number,
            text=mapper.encode(request),
            symbols=tuple(one.id.symbol for one in about),
            is_book=channel == wire.BOOK,
        )

    def _seconds(self) -> int:
        return self.wall_time() // SECOND


class GateExchange(Exchange):
    """Books from ``spot.order_book_update`` and a REST snapshot, trades from ``spot.trades``.

    Its newer channel ``spot.obu`` sends the snapshot itself and keeps more levels; no recording of it was at
    hand to show that it is read right.
    """

    name = "gate"
    integrity = Integrity.SEQUENCE
    start = Start.FETCHED
    limits = Limits(
        connects=Rate(30, 60),  # no limit is stated
        sends=(Rate(20, 1),),  # nor here
        symbols_per_connection=50,
        symbols_per_request=1,  # a refusal then always concerns one symbol
        rest={_PAIRS: _EACH, _CANDLES: _EACH, _BOOK: _EACH},
    )
    liveness = Liveness(silence_s=20, beat_s=2, ping_every_s=10)
    klines = KlineRules(
        native=_NATIVE,
        max_rows=1000,
        pages=True,
        gaps=True,
        reach=9_990,  # of 10,000 it says, and refuses the whole page beyond; the newest may have begun there
    )
    depths = tuple(_SPEEDS)
    usual_depth = 100
    default_ws_url = "wss://api.gateio.ws/ws/v4/"
    default_rest_url = "https://api.gateio.ws/api/v4"

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        super().__init__(ws_url=ws_url, rest_url=rest_url, depth=depth)
        self.ws_url += "/"

    def new_stream(self) -> GateStream:
        """Begin a connection."""
        return GateStream(self._symbols, self.book_depth)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow U and u (manual: How to maintain local order book)."""
        return Chain(holds=True)

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All pairs: one request, however many are wanted."""
        body = yield HttpRequest(path="/spot/currency_pairs", bucket=_PAIRS)
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page, by its times: a number of rows may not stand beside them."""
        params = {
            "currency_pair": instrument.native,
            "interval": self.klines.native[page.interval],
            "from": str(page.start // SECOND),
            "to": str(page.end // SECOND),
        }
        body = yield HttpRequest(path="/spot/candlesticks", params=params, bucket=_CANDLES)
        return rest.candles(body, length(page.interval) // SECOND)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """As many levels as the stream keeps right."""
        params = {"currency_pair": instrument.native, "limit": str(self.book_depth), "with_id": "true"}
        body = yield HttpRequest(path="/spot/order_book", params=params, bucket=_BOOK)
        return rest.book(body, instrument.id.symbol)
