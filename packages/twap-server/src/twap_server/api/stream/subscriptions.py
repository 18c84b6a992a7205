"""Keep what one session reads: hold its books while it does, and release all of them at its end.

Trades come on the same subscription at the exchange as the book, so whoever reads them, or the candles that
are built from them, holds the book.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from twap_models.enums import AGGREGATE, ErrorCode, Interval
from twap_server.api.book_quota import BookQuota, Reader
from twap_server.api.stream.book_messages import BookSource, Found
from twap_server.api.stream.candle_publisher import CandlePublisher
from twap_server.api.stream.trade_publisher import TradePublisher
from twap_server.domain.errors import InvalidRequest, TwapError
from twap_server.domain.market.instrument import InstrumentId
from twap_server.feed.bus import BookTopic, Bus, CandleTopic, Inbox, TradeTopic

_LEVELS_OF_ONE: Final = 10
"""Levels a side of a book that counts as one subscription."""
_Topic: TypeAlias = BookTopic | TradeTopic | CandleTopic


class TooManySubscriptions(TwapError):
    """This connection reads as much as it may."""

    code = ErrorCode.TOO_MANY_SUBSCRIPTIONS


class _Name(NamedTuple):
    """What a subscription is called: asked for again under this name it is the same."""

    kind: type[_Topic]
    exchange: str
    symbol: str
    """Canonical."""
    asked: str
    interval: Interval | None
    """Of candles."""


class _Held(NamedTuple):
    topic: _Topic
    reader: Reader
    instruments: tuple[InstrumentId, ...]


class StreamSubscriptions:
    """The books, trades and candles one inbox is subscribed to."""

    def __init__(
        self,
        owner: str,
        inbox: Inbox,
        *,
        quota: BookQuota,
        source: BookSource,
        trades: TradePublisher,
        candles: CandlePublisher,
        bus: Bus,
        most: int,
    ) -> None:
        """Hold books in the name of ``owner``; at most ``most`` subscriptions."""
        self._owner = owner
        self._inbox = inbox
        self._quota = quota
        self._source = source
        self._trades = trades
        self._candles = candles
        self._bus = bus
        self._most = most
        self._held: dict[_Name, _Held] = {}

    def add_book(
        self, exchange: str, spelling: str, *, user_id: str, depth: int | None = None, own: bool = False
    ) -> BookTopic:
        """Begin to read a book; again is the same, with another ``depth`` or ``own`` in its place.

        Raises:
            UnknownExchange, UnknownSymbol, ExchangeUnavailable: nothing has that name.
            TooManySubscriptions: no room on this connection.
            BookUnavailable: no room on this server, or for this user.
        """
        found = self._source.find(exchange, spelling)
        topic = BookTopic(
            exchange,
            found.symbol,
            spelling,
            depth=None if depth == self._source.depth else depth,
            owner=user_id if own else "",
        )
        self._hold(topic, found, user_id)
        self._bus.subscribe_book(topic, self._inbox)
        return topic

    def add_trades(self, exchange: str, spelling: str, *, user_id: str) -> TradeTopic:
        """Hold the books whose trades are to be read; ``begin_trades`` lets them come.

        Raises:
            UnknownExchange, UnknownSymbol, ExchangeUnavailable, TooManySubscriptions, BookUnavailable: as
                for a book.
        """
        found = self._source.find(exchange, spelling)
        topic = TradeTopic(exchange, found.symbol, spelling)
        self._hold(topic, found, user_id)
        return topic

    def begin_trades(self, topic: TradeTopic) -> None:
        """Let the newest known trades come, and then each new one; again does nothing."""
        if self._inbox not in self._bus.trade_readers(topic):
            self._trades.begin(topic, self._held[_name(topic)].instruments, self._inbox)

    def add_candles(self, exchange: str, spelling: str, interval: Interval, *, user_id: str) -> CandleTopic:
        """Hold the book whose trades make the candles; ``begin_candles`` lets them come.

        Raises:
            InvalidRequest: no one exchange is named.
            UnknownExchange, UnknownSymbol, ExchangeUnavailable, TooManySubscriptions, BookUnavailable: as
                for a book; or as many candles are followed as may be.
        """
        if exchange == AGGREGATE:
            raise InvalidRequest(
                "exchange: expected one exchange: there are no candles of all together", field="exchange"
            )
        found = self._source.find(exchange, spelling)
        topic = CandleTopic(exchange, found.symbol, spelling, interval)
        self._candles.check_room(topic)
        self._hold(topic, found, user_id)
        return topic

    def begin_candles(self, topic: CandleTopic) -> None:
        """Let the candle as it is come, and then what becomes of it."""
        self._candles.begin(topic, self._inbox)

    def remove_book(self, exchange: str, spelling: str) -> None:
        """Stop reading a book, under whatever spelling it was asked for."""
        self._remove(BookTopic, exchange, spelling)

    def remove_trades(self, exchange: str, spelling: str) -> None:
        """Stop reading trades, under whatever spelling they were asked for."""
        self._remove(TradeTopic, exchange, spelling)

    def remove_candles(self, exchange: str, spelling: str, interval: Interval) -> None:
        """Stop reading candles of an interval, under whatever spelling they were asked for."""
        self._remove(CandleTopic, exchange, spelling, interval)

    def clear(self) -> None:
        """Give everything back."""
        for name in list(self._held):
            self._drop(name)

    def _hold(self, topic: _Topic, found: Found, user_id: str) -> None:
        name = _name(topic)
        before = self._held.get(name)
        self._check_room(topic, [held.topic for other, held in self._held.items() if other != name])
        if before is not None:
            if before.topic != topic:
                self._stop_reading(before.topic)
                self._held[name] = before._replace(topic=topic)
            return
        reader = Reader(user_id, anonymous=False)
        self._quota.hold(reader, found.instruments, self._owner_of(name))
        self._held[name] = _Held(topic, reader, found.instruments)

    def _check_room(self, topic: _Topic, others: Sequence[_Topic]) -> None:
        """A deep book counts as several: it costs as much to encode."""
        if _weight(topic) + sum(map(_weight, others)) > self._most:
            raise TooManySubscriptions(
                f"expected at most {self._most} subscriptions on one connection;"
                f" a book counts as one for each {_LEVELS_OF_ONE} levels"
            )

    def _remove(
        self, kind: type[_Topic], exchange: str, spelling: str, interval: Interval | None = None
    ) -> None:
        of_kind = [
            name
            for name in self._held
            if (name.kind, name.exchange, name.interval) == (kind, exchange, interval)
        ]
        symbols = {name.symbol for name in of_kind if self._held[name].topic.asked == spelling}
        symbols = symbols or {self._source.find(exchange, spelling).symbol}
        for name in of_kind:
            if name.symbol in symbols:
                self._drop(name)

    def _drop(self, name: _Name) -> None:
        held = self._held.pop(name)
        self._stop_reading(held.topic)
        self._quota.release(held.reader, held.instruments, self._owner_of(name))

    def _stop_reading(self, topic: _Topic) -> None:
        match topic:
            case BookTopic():
                self._bus.unsubscribe_book(topic, self._inbox)
            case TradeTopic():
                self._bus.unsubscribe_trades(topic, self._inbox)
            case CandleTopic():
                self._bus.unsubscribe_candles(topic, self._inbox)

    def _owner_of(self, name: _Name) -> str:
        """Each subscription holds for itself: a merged book and a single one may need the same instrument."""
        return f"{self._owner}:{name.kind.__name__}:{name.exchange}:{name.asked}:{name.interval or ''}"


def _name(topic: _Topic) -> _Name:
    """Trades, which may be many, come under one spelling only."""
    asked = "" if isinstance(topic, TradeTopic) else topic.asked
    interval = topic.interval if isinstance(topic, CandleTopic) else None
    return _Name(type(topic), topic.exchange, topic.symbol, asked, interval)


def _weight(topic: _Topic) -> int:
    return -(-topic.depth // _LEVELS_OF_ONE) if isinstance(topic, BookTopic) and topic.depth else 1
