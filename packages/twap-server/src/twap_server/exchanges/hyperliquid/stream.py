"""Follow one connection to Hyperliquid: whole books, and the best prices between them.

1. A whole book replaces what was there.
2. Best prices that are newer than the whole book take the place of what they have passed, until the next.
3. The first trades of a coin are those of the last minute, made before it was asked for. What was traded up
   to the first whole book of a coin is left out.
"""

from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import MarketEvent, Trade
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Stream, WsRequest
from twap_server.exchanges.decode import from_epoch
from twap_server.exchanges.hyperliquid import mapper, wire

_Method: TypeAlias = Literal["subscribe", "unsubscribe"]


class _Coin:
    """What came about one coin on this connection."""

    __slots__ = ("best", "first", "whole")

    def __init__(self) -> None:
        self.first = 0
        """Time of the first whole book."""
        self.whole: wire.Book | None = None
        self.best: wire.Best | None = None


class HyperliquidStream(Stream):
    """One connection, for perpetuals and spot alike."""

    def __init__(self, symbols: dict[str, str], *, fast: bool) -> None:
        """Begin a connection.

        Args:
            symbols: native to canonical; grows and shrinks with the list.
            fast: whether books have five levels a side, twice a second.
        """
        super().__init__()
        self._symbols, self._fast = symbols, fast
        self._coins: dict[str, _Coin] = {}
        """By canonical symbol."""

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """Three requests for each, for one names one channel of one coin."""
        for one in instruments:
            self._coins.pop(one.id.symbol, None)
        return self._all("subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """As many, written as they were subscribed."""
        return self._all("unsubscribe", instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: it comes at once."""
        return (
            self._request("unsubscribe", wire.BOOK, instrument),
            self._request("subscribe", wire.BOOK, instrument),
        )

    def ping(self) -> str:
        """Whoever sends nothing for a minute is cut off."""
        return mapper.encode(wire.Request(method="ping"))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        frame = mapper.frame_of(raw)
        match frame.channel:
            case wire.BOOK:
                return self._take_whole(frame)
            case wire.BEST:
                return self._take_best(mapper.best(frame))
            case wire.TRADES:
                return [one for one in mapper.trades(frame, self._symbols) if self._is_news(one)]
            case _:
                return mapper.notice(frame, self._symbols)

    def _take_whole(self, frame: wire.Frame) -> Sequence[MarketEvent]:
        try:
            whole = mapper.book(frame, self._symbols)
        except WireFormatError as error:
            self._forget_books(error.doubted)
            raise
        symbol = self._symbols.get(whole.coin)
        if symbol is None:
            return ()
        coin = self._coins.setdefault(symbol, _Coin())
        coin.first, coin.whole = coin.first or whole.time, whole
        return (mapper.snapshot(whole, coin.best, symbol),)

    def _take_best(self, best: wire.Best) -> Sequence[MarketEvent]:
        """Tell a book by its newest best prices; nothing before it came whole."""
        symbol = self._symbols.get(best.coin)
        if symbol is None:
            return ()
        coin = self._coins.setdefault(symbol, _Coin())
        coin.best = best
        if coin.whole is None or best.time <= coin.whole.time:
            return ()
        return (mapper.snapshot(coin.whole, best, symbol),)

    def _forget_books(self, doubted: Collection[str] | None) -> None:
        """Make no book of one that came before a whole one that was lost."""
        for symbol in self._coins if doubted is None else doubted:
            if symbol in self._coins:
                self._coins[symbol].whole = None

    def _is_news(self, trade: Trade) -> bool:
        coin = self._coins.get(trade.symbol)
        return coin is not None and coin.first > 0 and trade.ts_exchange > from_epoch(coin.first)

    def _all(self, method: _Method, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        return tuple(
            self._request(method, channel, one)
            for one in instruments
            for channel in (wire.BOOK, wire.BEST, wire.TRADES)
        )

    def _request(self, method: _Method, channel: str, instrument: Instrument) -> WsRequest:
        is_book = channel == wire.BOOK
        about = wire.Subscription(type=channel, coin=instrument.native, fast=is_book and self._fast)
        return WsRequest(
            request_id=self.next_id(),
            text=mapper.encode(wire.Request(method=method, subscription=about)),
            symbols=(instrument.id.symbol,),
            is_book=is_book,
        )
