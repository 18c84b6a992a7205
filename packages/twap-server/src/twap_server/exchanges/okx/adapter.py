"""Describe OKX, spot and linear swaps: addresses, limits, requests. Market data only, no key.

Manual: OKX API v5 (WebSocket overview, order book, trades, tickers; market data and public data over REST).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from twap_models.enums import InstrumentKind, Integrity, Interval
from twap_server.domain.clock import MILLISECOND
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
from twap_server.exchanges.okx import mapper, refusals, rest, wire

_BARS = {
    Interval.M1: "1m",
    Interval.M3: "3m",
    Interval.M5: "5m",
    Interval.M15: "15m",
    Interval.M30: "30m",
    Interval.H1: "1H",
    Interval.H2: "2H",
    Interval.H4: "4H",
    Interval.H6: "6Hutc",
    Interval.H12: "12Hutc",
    Interval.D1: "1Dutc",
    Interval.W1: "1Wutc",
    Interval.MONTH: "1Mutc",
}
"""Those without ``utc`` begin at UTC+8 from 6 hours on."""

_RECENT, _OLDER = "candles", "history-candles"
_QUESTIONS = (_RECENT, _OLDER, _OLDER, _OLDER)
"""For one page: the first has the newest 1,440 rows, the second those before, perhaps 100 at a time."""
_ONE_BY_ONE = 5
"""So many statuses at most are asked for one by one; the list has half a megabyte."""


class OkxStream(Stream):
    """One connection to the public stream."""

    def __init__(self, symbols: dict[str, str], multipliers: dict[str, Decimal]) -> None:
        """Build it. What it is given grows and shrinks with the list.

        Args:
            symbols: native to canonical.
            multipliers: by native symbol, base currency in one contract.
        """
        super().__init__()
        self._symbols, self._multipliers = symbols, multipliers

    def opening(self) -> Sequence[WsRequest]:
        """The busiest pair's best prices, several a second: the exchange sends no heartbeats."""
        args = [wire.Arg(channel=wire.TICKERS, inst_id="BTC-USDT")]
        return (self._request("subscribe", args, (), is_book=False),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for the books, one for the trades."""
        return self._both("subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for the books, one for the trades."""
        return self._both("unsubscribe", instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the answer starts with a snapshot."""
        return (
            self._about("unsubscribe", wire.BOOKS, [instrument]),
            self._about("subscribe", wire.BOOKS, [instrument]),
        )

    def ping(self) -> str:
        """A word that is no JSON; who is silent for 30 s is cut off."""
        return "ping"

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._symbols, self._multipliers)

    def _both(self, op: str, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        if not instruments:
            return ()
        return tuple(self._about(op, channel, instruments) for channel in (wire.BOOKS, wire.TRADES))

    def _about(self, op: str, channel: str, instruments: Sequence[Instrument]) -> WsRequest:
        args = [wire.Arg(channel=channel, inst_id=one.native) for one in instruments]
        symbols = tuple(one.id.symbol for one in instruments)
        return self._request(op, args, symbols, is_book=channel == wire.BOOKS)

    def _request(
        self, op: str, args: list[wire.Arg], symbols: tuple[str, ...], *, is_book: bool
    ) -> WsRequest:
        number = self.next_id()
        text = mapper.encode(wire.Request(id=str(number), op=op, args=args))
        return WsRequest(request_id=number, text=text, symbols=symbols, is_book=is_book, acks=len(args))


class OkxExchange(Exchange):
    """Books from ``books``, 400 levels a side; each change names its predecessor. Trades from ``trades``."""

    name = "okx"
    integrity = Integrity.SEQUENCE
    start = Start.PUSHED
    limits = Limits(
        connects=Rate(3, 1),
        sends=(Rate(3, 1), Rate(480, 3600)),
        symbols_per_connection=25,  # fewer than 30 are recommended
        symbols_per_request=10,
        rest={"": Rate(20, 2), _RECENT: Rate(40, 2), _OLDER: Rate(20, 2), "books": Rate(40, 2)},
    )
    liveness = Liveness(silence_s=30, beat_s=1, ping_every_s=20)
    klines = KlineRules(native=_BARS, max_rows=300, pages=True)
    depths = (400,)
    usual_depth = 400
    default_ws_url = "wss://ws.okx.com:8443/ws/v5/public"
    default_rest_url = "https://www.okx.com"

    def new_stream(self) -> OkxStream:
        """Begin a connection."""
        return OkxStream(self._symbols, self._multipliers)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow ``prevSeqId`` and ``seqId``: no counter, but a chain, which may begin to count anew."""
        return Chain(links=True)

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All pairs of spot, then all linear swaps."""
        return self._all(rest.KINDS)

    def statuses(self, instruments: Sequence[Instrument]) -> Asking[Entries[Instrument]]:
        """A few one by one, many by the list: the stream does not tell when one stops trading."""
        if len(instruments) > _ONE_BY_ONE:
            return (yield from self._all(dict.fromkeys(one.kind for one in instruments)))
        found: Entries[Instrument] = Entries([])
        for one in instruments:
            found += yield from self._listed(one.kind, {"instId": one.native})
        return found

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """The newest rows before a moment (``after``), until the page is full or nothing is older."""
        every: Entries[Candle] = Entries([])
        before, missing = page.end // MILLISECOND + 1, page.limit
        for endpoint in _QUESTIONS:
            params = {
                "instId": instrument.native,
                "bar": self.klines.native[page.interval],
                "after": str(before),
                "limit": str(missing),
            }
            body = yield HttpRequest(path=f"/api/v5/market/{endpoint}", params=params, bucket=endpoint)
            older = rest.candles(body, page.interval, instrument.multiplier)
            every = older + every
            missing -= len(older.found) + len(older.left_out)
            if not older.found and (older.left_out or endpoint == _OLDER):
                break
            if missing <= 0 or (older.found and older.found[0].open_time <= page.start):
                break
            if older.found:
                before = older.found[0].open_time // MILLISECOND
        return every

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        params = {"instId": instrument.native, "sz": str(self.book_depth)}
        body = yield HttpRequest(path="/api/v5/market/books", params=params, bucket="books")
        return rest.depth(body, instrument.id.symbol)

    def _all(self, kinds: Iterable[InstrumentKind]) -> Asking[Entries[Instrument]]:
        found: Entries[Instrument] = Entries([])
        for kind in kinds:
            found += yield from self._listed(kind, {})
        return found

    def _listed(self, kind: InstrumentKind, which: dict[str, str]) -> Asking[Entries[Instrument]]:
        params = {"instType": rest.KINDS[kind], **which}
        body = yield HttpRequest(path="/api/v5/public/instruments", params=params)
        return rest.instruments(body, self.name, kind)
