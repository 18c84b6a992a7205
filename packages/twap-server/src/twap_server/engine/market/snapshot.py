"""Collect the books an order may fill from at one moment, and say why the others cannot be used."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct

from twap_models.enums import Side, SliceReason
from twap_server.domain import exact
from twap_server.domain.clock import Nanos, to_span
from twap_server.domain.execution.matching import ExchangeLevels, VenueLevel, best
from twap_server.domain.execution.pre_trade_cost import Moment, WalkBudget
from twap_server.domain.market.instrument import DELISTED, TRADING, InstrumentId
from twap_server.domain.orders.terms import Destination
from twap_server.engine.config import EngineConfig
from twap_server.engine.market.book_view import BookView
from twap_server.engine.market.destination_check import DestinationCheck
from twap_server.engine.market.eligibility import why_not_tradable
from twap_server.engine.ports import Market

_LIKELIEST_FIRST = (
    SliceReason.PRICES_DISAGREE,
    SliceReason.RESYNCING,
    SliceReason.CROSSED_BOOK,
    SliceReason.STALE_BOOK,
    SliceReason.NO_BOOK,
    SliceReason.NOT_TRADABLE,
)
"""Of several closed books the one named is the one that is likeliest to open soon."""

_MOST_FORECAST_LEVELS = 20_000
"""Read within some 30 ms, or 60 where most of it are looks at a curve of `is`. A single order reaches it only
on several very deep books; of a list of orders with thousands of uneven slices each, the first few do."""


class Quotes(Struct, gc=False):
    """One moment's view of an order's markets."""

    open: tuple[tuple[Destination, BookView], ...]
    closed: SliceReason | None
    """Why there is no open one; None when there is."""
    odd: tuple[Destination, ...] = ()
    """Left out, whatever their books are: their mids lie apart from the others'."""

    @property
    def mid(self) -> Decimal | None:
        """Middle of the best bid and the best ask over the open books (which may cross between exchanges)."""
        if len(self.open) == 1:
            return self.open[0][1].mid
        bids = [bid.price for _, seen in self.open if (bid := seen.side_for(Side.SELL).best) is not None]
        asks = [ask.price for _, seen in self.open if (ask := seen.side_for(Side.BUY).best) is not None]
        return exact.midpoint(max(bids), min(asks)) if bids and asks else None

    @property
    def book_time(self) -> Nanos | None:
        """When the oldest of the open books last changed."""
        if len(self.open) == 1:
            return self.open[0][1].live.ts_received
        return min((seen.live.ts_received for _, seen in self.open), default=None)

    def ladders(self, side: Side) -> list[ExchangeLevels]:
        """The levels a taker of ``side`` meets. Read them before the books change again."""
        return [
            ExchangeLevels(
                exchange=destination.instrument.exchange, levels=seen.side_for(side), fee=destination.fee
            )
            for destination, seen in self.open
        ]

    def touch(self, side: Side) -> VenueLevel | None:
        """The best level a taker of ``side`` meets, fees included in what is best."""
        if len(self.open) == 1:
            destination, seen = self.open[0]
            first = seen.side_for(side).best
            return (
                None
                if first is None
                else VenueLevel(destination.instrument.exchange, first.price, first.quantity)
            )
        return best(side, self.ladders(side))

    def moment(self, side: Side) -> Moment | None:
        """What an estimate is made from; None without an open book."""
        mid, touch = self.mid, self.touch(side)
        if mid is None or touch is None:
            return None
        return Moment(side=side, mid=mid, touch=touch.price, ladders=lambda: self.ladders(side))

    def only(self, wanted: Callable[[Destination], bool]) -> "Quotes":
        """The same without the markets that are not wanted."""
        if len(self.open) == 1 and wanted(self.open[0][0]):
            return self
        kept = tuple(pair for pair in self.open if wanted(pair[0]))
        if len(kept) == len(self.open):
            return self
        return Quotes(kept, None if kept else SliceReason.NO_BOOK, self.odd)

    def without(self, exchange: str) -> "Quotes":
        """The same without this exchange."""
        return self.only(lambda destination: destination.instrument.exchange != exchange)

    def destination(self, exchange: str) -> tuple[Destination, BookView]:
        """The open market on an exchange."""
        if len(self.open) == 1:
            return self.open[0]
        return next(pair for pair in self.open if pair[0].instrument.exchange == exchange)


class MarketSnapshot:
    """All books at one moment, each looked at once. Good until the next ``await``: then they may change."""

    def __init__(
        self,
        market: Market,
        now: Nanos,
        *,
        max_age: int,
        known: dict[InstrumentId, BookView],
        check: DestinationCheck,
    ) -> None:
        """Args: as for ``MarketReader``; now: wall time; known: looks at books that may still hold."""
        self.market, self._now, self._max_age = market, now, max_age
        self._known, self._check = known, check
        self.forecasts = WalkBudget(_MOST_FORECAST_LEVELS)
        """For forecasts of what is accepted by this snapshot: slices of others wait meanwhile."""
        self._seen: tuple[dict[InstrumentId, BookView | SliceReason], ...] = ({}, {})
        """Of orders without a limit, and of those with one."""

    def quotes(
        self, destinations: Sequence[Destination], *, limited: bool = True, filling: bool = False
    ) -> Quotes:
        """The books of these markets that show one asset; see ``why_not_tradable`` for what makes one open.

        Args:
            destinations: the markets.
            limited: the order that would fill there has a limit. Who only looks asks as if it had.
            filling: a slice is to be filled: of several markets that were never compared, one alone waits.
        """
        if len(destinations) == 1:
            seen = self._see(destinations[0].instrument, limited)
            return (
                Quotes(((destinations[0], seen),), None) if isinstance(seen, BookView) else Quotes((), seen)
            )
        found: list[tuple[Destination, BookView]] = []
        reasons: list[SliceReason] = []
        for destination in destinations:
            seen = self._see(destination.instrument, limited)
            if isinstance(seen, BookView):
                found.append((destination, seen))
            else:
                reasons.append(seen)
        odd, found = self._compared(destinations, found, filling=filling)
        if found:
            return Quotes(tuple(found), None, odd)
        if odd:
            reasons.append(SliceReason.PRICES_DISAGREE)
        reason = next((one for one in _LIKELIEST_FIRST if one in reasons), SliceReason.NO_BOOK)
        return Quotes((), reason, odd)

    def notices(self, quotes: Quotes) -> tuple[str, ...]:
        """What whoever orders on these markets has to know of those left out."""
        return tuple(
            self._check.notice(destination.instrument, self._mid_of(destination.instrument))
            for destination in quotes.odd
        )

    def traded(self, destinations: Sequence[Destination]) -> list[tuple[Decimal, Decimal]]:
        """Base and quote currency traded on each of these markets since the server started."""
        return [self.market.traded(destination.instrument) for destination in destinations]

    def _compared(
        self, destinations: Sequence[Destination], found: list[tuple[Destination, BookView]], *, filling: bool
    ) -> tuple[tuple[Destination, ...], list[tuple[Destination, BookView]]]:
        """The markets left out, and those of the open ones that may be used."""
        ids = tuple(destination.instrument for destination in destinations)
        mids = {destination.instrument: seen.mid for destination, seen in found if seen.mid is not None}
        apart = self._check.apart(ids, mids, self._now)
        kept = [pair for pair in found if pair[0].instrument not in apart]
        if filling and len(kept) == 1 and not self._check.may_stand_alone(ids, self._now):
            kept = []
        return tuple(destination for destination in destinations if destination.instrument in apart), kept

    def _mid_of(self, instrument: InstrumentId) -> Decimal | None:
        seen = self._see(instrument, limited=True)
        return seen.mid if isinstance(seen, BookView) else None

    def are_delisted(self, destinations: Sequence[Destination]) -> bool:
        """Whether every one of these markets is delisted."""
        return all(
            self.market.trading_status(destination.instrument) == DELISTED for destination in destinations
        )

    def _see(self, instrument: InstrumentId, limited: bool) -> BookView | SliceReason:
        seen = self._seen[limited].get(instrument)
        if seen is None:
            status = self.market.trading_status(instrument)
            seen = self._look_at(instrument, status, limited)
            for known in self._seen if status == TRADING else (self._seen[limited],):
                known[instrument] = seen
        return seen

    def _look_at(self, instrument: InstrumentId, status: str, limited: bool) -> BookView | SliceReason:
        live = self.market.live_book(instrument)
        reason = why_not_tradable(live, status=status, limited=limited, now=self._now, max_age=self._max_age)
        if reason is not None or live is None:
            self._known.pop(instrument, None)
            return reason or SliceReason.NO_BOOK
        known = self._known.get(instrument)
        if known is None or not known.holds(live):
            known = self._known[instrument] = BookView(live)
        return known


class MarketReader:
    """What orders see of their markets."""

    def __init__(self, market: Market, config: EngineConfig) -> None:
        self._market, self._max_age = market, to_span(config.max_book_age)
        self._known: dict[InstrumentId, BookView] = {}
        self._check = DestinationCheck(config.max_leg_spread, patience=to_span(config.max_book_wait))

    def snapshot(self, now: Nanos) -> MarketSnapshot:
        """All books at this moment, wall time."""
        return MarketSnapshot(self._market, now, max_age=self._max_age, known=self._known, check=self._check)

    def quotes(self, destinations: Sequence[Destination], now: Nanos, *, limited: bool = True) -> Quotes:
        """The books of these markets at this moment."""
        return self.snapshot(now).quotes(destinations, limited=limited)
