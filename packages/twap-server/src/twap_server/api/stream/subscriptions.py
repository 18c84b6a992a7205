"""Keep what one session reads: hold its books while it does, and release all of them at its end."""

from twap_models.enums import ErrorCode
from twap_server.api.book_quota import BookQuota, Reader
from twap_server.api.stream.book_messages import BookSource
from twap_server.domain.errors import TwapError
from twap_server.domain.market.instrument import InstrumentId
from twap_server.feed.bus import BookTopic, Bus, Inbox


class TooManySubscriptions(TwapError):
    """This connection reads as much as it may."""

    code = ErrorCode.TOO_MANY_SUBSCRIPTIONS


class BookSubscriptions:
    """The books one inbox is subscribed to."""

    def __init__(
        self, owner: str, inbox: Inbox, *, quota: BookQuota, source: BookSource, bus: Bus, most: int
    ) -> None:
        """Hold books in the name of ``owner``; at most ``most`` subscriptions."""
        self._owner = owner
        self._inbox = inbox
        self._quota = quota
        self._source = source
        self._bus = bus
        self._most = most
        self._held: dict[BookTopic, tuple[Reader, tuple[InstrumentId, ...]]] = {}

    def add(self, exchange: str, spelling: str, *, user_id: str) -> BookTopic:
        """Begin to read a book; again is the same.

        Raises:
            UnknownExchange, UnknownSymbol, ExchangeUnavailable: nothing has that name.
            TooManySubscriptions: no room on this connection.
            BookUnavailable: no room on this server, or for this user.
        """
        found = self._source.find(exchange, spelling)
        topic = BookTopic(exchange, found.symbol, spelling)
        if topic in self._held:
            return topic
        if len(self._held) >= self._most:
            raise TooManySubscriptions(f"expected at most {self._most} books on one connection")
        reader = Reader(user_id, anonymous=False)
        self._quota.hold(reader, found.instruments, self._owner_of(topic))
        self._held[topic] = (reader, found.instruments)
        self._bus.subscribe_book(topic, self._inbox)
        return topic

    def remove(self, exchange: str, spelling: str) -> None:
        """Stop reading a book, under whatever spelling it was asked for."""
        symbols = {topic.symbol for topic in self._held if topic.asked == spelling}
        symbols = symbols or {self._source.find(exchange, spelling).symbol}
        for topic in [one for one in self._held if one.exchange == exchange and one.symbol in symbols]:
            self._drop(topic)

    def clear(self) -> None:
        """Give everything back."""
        for topic in list(self._held):
            self._drop(topic)

    def _drop(self, topic: BookTopic) -> None:
        self._bus.unsubscribe_book(topic, self._inbox)
        reader, instruments = self._held.pop(topic)
        self._quota.release(reader, instruments, self._owner_of(topic))

    def _owner_of(self, topic: BookTopic) -> str:
        """Each subscription holds for itself: a merged book and a single one may need the same instrument."""
        return f"{self._owner}:{topic.exchange}:{topic.asked}"
