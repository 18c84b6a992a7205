"""Tell the collector of an exchange which books this node wants, again and again: it soon forgets."""

from typing import Final

from twap_server.books.interest import BookInterest
from twap_server.cluster.coding import encode
from twap_server.cluster.market_messages import Wanted
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.subjects import Subjects
from twap_server.domain.clock import SECOND, Clock
from twap_server.domain.market.instrument import InstrumentId

TELL_EVERY_S: Final = 1


class ToldWants:
    """Of one exchange, and this node."""

    def __init__(
        self,
        exchange: str,
        interest: BookInterest,
        *,
        node: str,
        messenger: Messenger,
        subjects: Subjects,
        clock: Clock,
    ) -> None:
        """Args: node: its name, that of no other node."""
        self._exchange, self._interest, self._node = exchange, interest, node
        self._clock, self._due = clock, 0
        self._publish, self._subject = messenger.publish, subjects.wanted(exchange)

    def tell(self, *, is_asked: bool) -> None:
        """Tell it each second, or now where ``is_asked``; that nothing is wanted is told, too."""
        now = self._clock.monotonic()
        if not is_asked and now < self._due:
            return
        self._due = now + TELL_EVERY_S * SECOND
        symbols = sorted(self._interest.wanted(self._exchange))
        of_orders = [
            one for one in symbols if self._interest.is_of_an_order(InstrumentId(self._exchange, one))
        ]
        self._publish(self._subject, encode(Wanted(node=self._node, symbols=symbols, of_orders=of_orders)))
