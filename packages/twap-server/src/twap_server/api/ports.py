"""Declare what the API needs from other stages, as protocols."""

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from twap_models.enums import Interval, OrderStatus, Side
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookState, CandleRange, Trade
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.status import CollectedBook, ExchangeStatus
from twap_server.domain.orders.order import Order, OrderEvent
from twap_server.domain.orders.proof import ProofRecord
from twap_server.domain.orders.record import EventRange, OrderPage, OrderRecord, PageRequest
from twap_server.domain.orders.terms import Amendment, OrderRequest
from twap_server.domain.tca.headline import ClosedOrder, CostFigures, CostFilter, Unmeasured
from twap_server.domain.tca.totals import Tally
from twap_server.engine.entry.preview import Preview
from twap_server.engine.entry.results import SubmitResult


class OwnImpact(Protocol):
    """What users took of the books; the engine remembers it."""

    async def look(self, user_id: str, instruments: Collection[InstrumentId]) -> None:
        """Have ``own_taken`` know what this user took of these; it knows for a few seconds.

        Raises:
            EngineBusy: it cannot be known now.
        """
        ...

    def own_taken(
        self, user_id: str, instrument: InstrumentId, side: Side, prices: Iterable[Decimal]
    ) -> Mapping[Decimal, Decimal]:
        """What a taker of ``side`` took at each of these prices and has not grown back, in base currency.

        Asked for again and again after one ``look``, it goes on to know.

        Prices of which the user took nothing are left out. The numbers are those that the user's next slice
        would be decided by.
        """
        ...


class Orders(OwnImpact, Protocol):
    """The engine."""

    async def submit(self, user_id: str, requests: Sequence[OrderRequest]) -> list[SubmitResult]:
        """Accept or reject, one result per request, in order; recorded before it answers."""
        ...

    async def preview(
        self, user_id: str, requests: Sequence[OrderRequest], *, compare: bool
    ) -> list[Preview]:
        """Say what would become of each request, in order; nothing is stored. ``compare``: beside others."""
        ...

    async def cancel(self, user_id: str, token_id: str) -> Order:
        """End an open order.

        Raises:
            OrderNotFound, OrderNotOpen.
        """
        ...

    async def pause(self, user_id: str, token_id: str) -> Order:
        """Let an open order fill nothing until resumed.

        Raises:
            OrderNotFound, OrderNotOpen.
        """
        ...

    async def resume(self, user_id: str, token_id: str) -> Order:
        """Let a paused order go on.

        Raises:
            OrderNotFound, OrderNotOpen.
        """
        ...

    async def amend(self, user_id: str, token_id: str, wanted: Amendment, *, revision: int | None) -> Order:
        """Change an open order; ``revision`` None takes any.

        Raises:
            OrderNotFound, OrderNotOpen, RevisionMismatch, InvalidRequest.
        """
        ...


class OrderReader(Protocol):
    """Recorded orders; everything is asked for one user."""

    async def detail(self, user_id: str, token_id: str) -> OrderRecord | None:
        """All that is recorded of one order."""
        ...

    async def page(self, user_id: str, token_id: str, asked: PageRequest) -> OrderPage | None:
        """One order with some of its slices and fills; None where the user has no such order."""
        ...

    def parts(self, user_id: str, token_id: str, asked: PageRequest) -> AsyncGenerator[OrderPage, None]:
        """The same in parts, which are few enough slices and fills each, all of the same moment."""
        ...

    async def list(
        self,
        user_id: str,
        *,
        token_id: str | None = None,
        statuses: Collection[OrderStatus] | None = None,
        exchange: str | None = None,
        symbols: Collection[str] | None = None,
        side: Side | None = None,
        limit: int,
        after: tuple[Nanos, str] | None = None,
    ) -> list[Order]:
        """A page, newest first; ``after`` is the last order's creation and id."""
        ...

    async def last_event_seq(self, user_id: str) -> int:
        """The highest event seq, 0 without any."""
        ...


class EventReader(Protocol):
    """Recorded order events."""

    async def events(self, user_id: str, since: int, limit: int) -> list[OrderEvent]:
        """Events with ``seq > since``, in order."""
        ...

    async def events_of(
        self, user_id: str, token_id: str, wanted: EventRange, *, limit: int
    ) -> list[OrderEvent] | None:
        """One order's events of that range, in order; None where the user has no such order."""
        ...

    async def last_event_seq(self, user_id: str) -> int:
        """The highest event seq, 0 without any."""
        ...


class OrderRecords(OrderReader, EventReader, Protocol):
    """The store of orders, as the API reads it."""


class Proofs(Protocol):
    """What orders can be proven by."""

    async def proof(self, user_id: str, token_id: str, *, memory: int) -> ProofRecord | None:
        """What one order can be proven by; None where the user has no such order.

        ``memory``: nanoseconds before its first decision in which other orders' fills still matter.
        """
        ...


class CostRecords(Protocol):
    """What closed orders cost, as it is kept; everything is asked for one user, newest end first."""

    async def closed(
        self, user_id: str, wanted: CostFilter, *, limit: int, after: tuple[Nanos, str] | None
    ) -> Sequence[ClosedOrder]:
        """A page of closed orders; ``after`` is the last order's end and id."""
        ...

    async def unmeasured(self, user_id: str, wanted: CostFilter, *, limit: int) -> Sequence[Unmeasured]:
        """Those whose figures are not kept."""
        ...

    async def are_more_than(self, most: int, user_id: str, wanted: CostFilter) -> bool:
        """Whether there are more than so many."""
        ...

    def tallies(self, user_id: str, wanted: CostFilter) -> AsyncGenerator[Sequence[Tally], None]:
        """What each of them adds to the sums, some at a time."""
        ...

    async def keep(self, measured: Mapping[str, CostFigures]) -> None:
        """Keep figures, by order id.

        Raises:
            StoreUnavailable.
        """
        ...


class Books(Protocol):
    """Live books and what is listed."""

    def exchanges(self) -> Sequence[ExchangeStatus]:
        """Every collected exchange."""
        ...

    def collected(self, exchange: str) -> Sequence[CollectedBook]:
        """How the books of an exchange fare that are collected now, by symbol.

        Raises:
            UnknownExchange.
        """
        ...

    def instruments(self, exchange: str) -> Mapping[str, Instrument]:
        """What an exchange lists, by canonical symbol.

        Raises:
            UnknownExchange, ExchangeUnavailable.
        """
        ...

    def find_instrument(self, exchange: str, spelling: str) -> Instrument:
        """Look an instrument up by any spelling.

        Raises:
            UnknownExchange, UnknownSymbol, ExchangeUnavailable.
        """
        ...

    def find_everywhere(self, spelling: str) -> Sequence[Instrument]:
        """Look an instrument up on every exchange; at least one.

        Raises:
            UnknownSymbol, ExchangeUnavailable.
        """
        ...

    def trading_status(self, instrument: InstrumentId) -> str:
        """``trading``, or why it does not trade."""
        ...

    def view(self, instrument: InstrumentId, depth: int) -> BookState | None:
        """The book as it is, None where nobody holds it."""
        ...

    def recent_trades(self, instrument: InstrumentId) -> Sequence[Trade]:
        """The newest trades received since the book is held, oldest first."""
        ...

    def hold(self, instrument: InstrumentId, owner: str) -> None:
        """Ask for the book until released."""
        ...

    def release(self, instrument: InstrumentId, owner: str) -> None:
        """Give the book up."""
        ...

    def is_held(self, instrument: InstrumentId, *, but: str) -> bool:
        """Whether anybody asks for the book whose name does not begin with ``but``."""
        ...

    def let_go(self, instrument: InstrumentId) -> None:
        """Collect a book that nobody asks for any more no longer than this."""
        ...

    def books_with(self, instruments: Iterable[InstrumentId]) -> int:
        """Count the books asked for, if these were too."""
        ...


class MarketData(Books, Protocol):
    """All of the collector that the API uses."""

    async def klines(
        self,
        exchange: str,
        spelling: str,
        *,
        interval: Interval,
        limit: int,
        start: Nanos | None,
        end: Nanos | None,
    ) -> CandleRange:
        """Candles, oldest first, and how far back the exchange's reach is where it cut them."""
        ...

    async def wait_live(self, instrument: InstrumentId, timeout: float) -> BookState:
        """Wait up to ``timeout`` seconds for a held book to be live.

        Raises:
            BookUnavailable: it was not in time.
        """
        ...
