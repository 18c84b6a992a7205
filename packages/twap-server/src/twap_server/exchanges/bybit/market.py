"""Describe what spot and linear contracts of Bybit have in common: topics, candles, how lists are asked for.

Manual: Bybit V5 API (connect, orderbook, trade, ticker; market data over REST; rate limit).
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.errors import UnknownSymbol
from twap_server.domain.market.candles import length
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, Candle, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import WORDS, Refusal, RefusalKind
from twap_server.exchanges.base import (
    Asking,
    Exchange,
    HttpRequest,
    KlineRules,
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
CONNECTS: Final = Rate(200, 300)
"""The limit is 500 for all that an address opens, whatever the market."""
REST: Final = {"": Rate(250, 5)}
"""The limit is 600 for all that an address asks, whatever the market, and ten minutes of silence for more."""
SENDS: Final = (Rate(10, 1),)
"""No limit is stated."""
_ONE_BY_ONE = 5
"""So many statuses at most are asked for one by one; a list has some hundred kilobytes."""
_MOST_PAGES = 50


class BybitStream(Stream):
    """One connection to the public stream of a market, whose topics are called alike."""

    def __init__(self, symbols: dict[str, str], depth: int) -> None:
        """Args: symbols: native to canonical, grows and shrinks with the list; depth: levels to ask for."""
        super().__init__()
        self._symbols, self._depth = symbols, depth

    def opening(self) -> Sequence[WsRequest]:
        """The ticker of the busiest symbol, several a second: the exchange sends no heartbeats."""
        return (self._request("subscribe", [f"{mapper.TICKER}BTCUSDT"], (), is_book=False),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for books and trades of up to ``symbols_per_request`` instruments."""
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


class BybitMarket(Exchange):
    """Books from ``orderbook``, whose messages are counted one by one; trades from ``publicTrade``."""

    integrity = Integrity.SEQUENCE
    start = Start.PUSHED
    liveness = Liveness(silence_s=30, beat_s=1, ping_every_s=20)
    klines = KlineRules(native=_INTERVALS, max_rows=1000, pages=True)
    depths = (50, 200, 1000)
    usual_depth = 200
    default_rest_url = "https://api.bybit.com"
    category: ClassVar[str]
    """The market, in every question; without it most answer for linear contracts."""
    rest_levels: ClassVar[int]
    """Levels of a book over REST."""

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
        """All instruments, page after page where they do not fit into one."""
        every: Entries[Instrument] = Entries([])
        cursor = ""
        for _ in range(_MOST_PAGES):
            page, cursor = yield from self._listed({"cursor": cursor} if cursor else {})
            every += page
            if not cursor:
                return every
        raise WireFormatError("the list of instruments does not end")

    def statuses(self, instruments: Sequence[Instrument]) -> Asking[Entries[Instrument]]:
        """A few one by one, many by the list. Only what trades is listed.

        Raises:
            UnknownSymbol: one is missing.
        """
        found: Entries[Instrument] = Entries([])
        if len(instruments) > _ONE_BY_ONE:
            found = yield from self.instruments()
        else:
            for one in instruments:
                page, _ = yield from self._listed({"symbol": one.native})
                found += page
        known = {*found.left_out, *(one.native for one in found.found)}
        if any(one.native not in known for one in instruments):
            raise UnknownSymbol(WORDS[RefusalKind.UNKNOWN_SYMBOL])
        return found

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """The newest rows up to the end."""
        params = {
            "category": self.category,
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
            "category": self.category,
            "symbol": instrument.native,
            "limit": str(min(self.book_depth, self.rest_levels)),
        }
        body = yield HttpRequest(path="/v5/market/orderbook", params=params)
        return rest.depth(body, instrument.id.symbol)

    @abstractmethod
    def read_entry(self, entry: bytes) -> Instrument | None:
        """Read one entry of the list; None of what is not collected."""

    def _listed(self, which: dict[str, str]) -> Asking[tuple[Entries[Instrument], str]]:
        params = {"category": self.category, **which}
        body = yield HttpRequest(path="/v5/market/instruments-info", params=params)
        return rest.instruments(body, self.read_entry)
