"""Make book messages: of one exchange's book, or of all that list the instrument, merged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from twap_models.enums import AGGREGATE, Side
from twap_models.market import BookTop, OwnLevels
from twap_models.stream import BookMessage
from twap_server.api.ports import Books, OwnImpact
from twap_server.api.stream.framing import encode
from twap_server.api.wire import present
from twap_server.books.consolidated import ConsolidatedLevel, ConsolidatedView, consolidate
from twap_server.books.counters import BookCounters
from twap_server.domain import exact
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import ExchangeUnavailable, UnknownExchange
from twap_server.domain.market.events import BookState, BookStatus, PriceLevel
from twap_server.domain.market.instrument import Instrument, InstrumentId, takes_orders
from twap_server.feed.bus import BookTopic, EncodedMessage

_NO_BOOK = BookState(
    status=BookStatus.DOWN,
    reason="the book is being fetched",
    bids=(),
    asks=(),
    ts_exchange=Nanos(0),
    ts_received=Nanos(0),
    seq=0,
)


class Found(NamedTuple):
    """What a spelling means."""

    symbol: str
    """Canonical."""
    instruments: tuple[InstrumentId, ...]
    """One, or one per exchange that lists it."""


class BookSource:
    """Reads live books for the API: finds what a spelling means, merges, presents."""

    def __init__(
        self,
        market: Books,
        clock: Clock,
        counters: BookCounters,
        *,
        max_spread: Decimal,
        own_impact: OwnImpact,
        depth: int = 10,
    ) -> None:
        """Build the source.

        Args:
            market: the books.
            clock: time.
            counters: of the topics; the same for all sources of a server.
            max_spread: how far the mids of merged books may lie apart, as a share of the lower one.
            own_impact: what users took.
            depth: levels of a stream message whose topic names no other.
        """
        self._market, self._clock, self._counters = market, clock, counters
        self._max_spread, self._own_impact = max_spread, own_impact
        self.depth = depth

    def find(self, exchange: str, spelling: str) -> Found:
        """Find an instrument on an exchange, or with ``aggregate`` on all of them.

        Raises:
            UnknownExchange, UnknownSymbol: nothing has that name.
            ExchangeUnavailable: no exchange's list is known yet.
        """
        if exchange != AGGREGATE:
            found = self._market.find_instrument(exchange, spelling).id
            return Found(found.symbol, (found,))
        symbol = self._market.find_everywhere(spelling)[0].id.symbol
        return Found(symbol, self.destinations(symbol))

    def destinations(self, symbol: str) -> tuple[InstrumentId, ...]:
        """The instrument on every exchange that lists it."""
        names = [status.name for status in self._market.exchanges()]
        return tuple(InstrumentId(name, symbol) for name in names if symbol in self._listed(name))

    async def look(self, user_id: str, exchange: str, spelling: str) -> None:
        """Have it known what this user took of a book, before the book is shown with that.

        Raises:
            UnknownExchange, UnknownSymbol, ExchangeUnavailable: as ``find``.
            EngineBusy: it cannot be known now.
        """
        await self._own_impact.look(user_id, self.find(exchange, spelling).instruments)

    def message(self, topic: BookTopic) -> BookMessage:
        """The topic's book at this moment, live or not."""
        return self._message(topic, topic.depth or self.depth)

    def frame(self, topic: BookTopic) -> EncodedMessage:
        """The same, encoded and framed."""
        return encode(self.message(topic))

    def top(self, topic: BookTopic, depth: int) -> BookTop:
        """The same with another depth, as an answer (without ``type``)."""
        made = self._message(topic, depth)
        return BookTop(**{name: getattr(made, name) for name in BookTop.model_fields})

    def _message(self, topic: BookTopic, depth: int) -> BookMessage:
        now = self._clock.now()
        if topic.exchange != AGGREGATE:
            instrument = InstrumentId(topic.exchange, topic.symbol)
            view = self._view(instrument, depth)
            view = replace(view, seq=self._counters.single(instrument, view))
            return present.book_message(
                view,
                exchange=topic.exchange,
                symbol=topic.symbol,
                asked=topic.asked,
                now=now,
                depth=depth,
                own=self._own(topic, view),
            )
        views = {
            destination.exchange: self._takable(destination, depth)
            for destination in self.destinations(topic.symbol)
        }
        merged = consolidate(views, depth, max_spread=self._max_spread)
        seq = self._counters.merged(topic.symbol, views)
        return present.merged_message(
            merged,
            symbol=topic.symbol,
            asked=topic.asked,
            now=now,
            seq=seq,
            depth=depth,
            own=self._own(topic, merged),
        )

    def _own(self, topic: BookTopic, view: BookState | ConsolidatedView) -> OwnLevels | None:
        """What the topic's owner took of these levels; None where it has none."""
        if not topic.owner:
            return None
        return present.own_levels(
            self._taken(topic, Side.SELL, view.bids), self._taken(topic, Side.BUY, view.asks)
        )

    def _taken(
        self, topic: BookTopic, side: Side, levels: Sequence[PriceLevel] | Sequence[ConsolidatedLevel]
    ) -> list[tuple[Decimal, Decimal]]:
        """(price, taken) where it is something; of a merged level what was taken on each of its exchanges."""
        by_exchange: dict[str, list[Decimal]] = {}
        for level in levels:
            sources = level.sources if isinstance(level, ConsolidatedLevel) else (topic.exchange,)
            for exchange in sources:
                by_exchange.setdefault(exchange, []).append(level.price)
        taken: dict[Decimal, Decimal] = {}
        for exchange, prices in by_exchange.items():
            instrument = InstrumentId(exchange, topic.symbol)
            found = self._own_impact.own_taken(topic.owner, instrument, side, prices)
            for price, quantity in found.items():
                taken[price] = exact.add(taken.get(price, exact.ZERO), quantity)
        return [(level.price, taken[level.price]) for level in levels if level.price in taken]

    def _takable(self, instrument: InstrumentId, depth: int) -> BookState | None:
        """The book, None where nobody may trade it."""
        status = self._market.trading_status(instrument)
        return self._market.view(instrument, depth) if takes_orders(status, limited=True) else None

    def _view(self, instrument: InstrumentId, depth: int) -> BookState:
        return self._market.view(instrument, depth) or _NO_BOOK

    def _listed(self, exchange: str) -> Mapping[str, Instrument] | Sequence[str]:
        try:
            return self._market.instruments(exchange)
        except (UnknownExchange, ExchangeUnavailable):
            return ()
