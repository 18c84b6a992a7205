"""Declare what the engine needs from other stages, as protocols."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Protocol, TypeAlias

from twap_models.enums import Interval
from twap_server.domain.clock import Nanos
from twap_server.domain.execution.taking import Taking
from twap_server.domain.market.events import BookStatus, CandleRange
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.orders.order import Order, OrderEvent
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.write import OrderWrite

OrderKey: TypeAlias = tuple[str, str]
"""User id and token id: what names an order in a command."""


class OrderStore(Protocol):
    """Where orders are kept."""

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        """Record all writes in one durable transaction, with samples of the market by order id.

        A sample that was recorded before is passed over.

        Raises:
            StoreConflict: a unique key (user and token, order and slice, fill, user and seq) was taken or an
                order's version was not the one before; nothing was recorded.
            CommitInDoubt: all was recorded or nothing; ask ``was_recorded`` before anything else is decided.
            StoreUnavailable: nothing was recorded; try again.
        """
        ...

    async def was_recorded(self, writes: Sequence[OrderWrite]) -> bool:
        """Whether a commit in doubt was recorded; the answer is final.

        Raises:
            StoreUnavailable: the database is not there to be asked.
        """
        ...

    async def open_orders(self) -> list[Order]:
        """Every order that can still fill."""
        ...

    async def find(self, user_id: str, token_ids: Sequence[str]) -> dict[str, Order]:
        """The user's orders with these token ids."""
        ...

    async def find_all(self, keys: Collection[OrderKey]) -> dict[OrderKey, Order]:
        """The orders with these keys, of any users; those not recorded are left out."""
        ...

    async def last_event_seq(self, user_id: str) -> int:
        """The highest event seq of a user, 0 without any."""
        ...


class TakingRecords(Protocol):
    """What users took of books, as it is recorded."""

    async def takings(self, orders: Sequence[Order], since: Nanos) -> Sequence[Taking]:
        """What the users of these open orders took since then, by these or by others, oldest first.

        Of orders that walk the depth; the others take nothing from anybody.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        ...


class LiveBookView(Protocol):
    """One live book as the engine meets it."""

    book: OrderBook
    status: BookStatus
    is_barred: bool
    """Whether it is not live because the exchange refuses to serve us."""
    ts_received: Nanos
    """When the last change came."""
    confirmed_at: Nanos
    """When the connection last delivered anything: a quiet market is not a dead one."""
    seq: int

    @property
    def is_silent(self) -> bool:
        """Whether its connection has been silent for longer than is normal for it."""
        ...


class Market(Protocol):
    """Books and instruments."""

    def live_book(self, instrument: InstrumentId) -> LiveBookView | None:
        """The instrument's book, or None where there is none yet."""
        ...

    def trading_status(self, instrument: InstrumentId) -> str:
        """``trading``, or why it does not trade; ``trading`` too while the exchange's list is not known."""
        ...

    def find_instrument(self, exchange: str, spelling: str) -> Instrument:
        """Look an instrument up by any spelling.

        Raises:
            UnknownExchange, UnknownSymbol: with near matches in the message.
            ExchangeUnavailable: the exchange's list is not known yet.
        """
        ...

    def find_everywhere(self, spelling: str) -> Sequence[Instrument]:
        """Look an instrument up on every exchange: the same canonical symbol wherever it is listed.

        Raises:
            UnknownSymbol: no exchange lists it; near matches in the message.
            ExchangeUnavailable: no exchange's list is known yet.
        """
        ...

    def traded_since(self, instrument: InstrumentId, since: Nanos) -> Decimal:
        """Base currency traded since then, by time of receipt, as far as it is remembered."""
        ...

    def traded(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        """Base and quote currency traded since the server started; never goes down."""
        ...

    async def klines(
        self,
        exchange: str,
        spelling: str,
        interval: Interval,
        *,
        limit: int,
        start: Nanos,
        end: Nanos,
    ) -> CandleRange:
        """The latest ``limit`` candles of those that open within ``start``..``end``, oldest first.

        Raises:
            UnknownExchange, UnknownSymbol: as ``find_instrument``.
            ExchangeUnavailable, InvalidRequest: no answer, or no such candles.
        """
        ...

    def hold(self, instrument: InstrumentId, owner: str) -> None:
        """Ask for the book until released."""
        ...

    def release(self, instrument: InstrumentId, owner: str) -> None:
        """Give the book up; unknown owners are ignored."""
        ...

    def is_proven(self, exchange: str) -> bool:
        """Whether the exchange lets us prove that its books are whole."""
        ...

    def taker_fee(self, exchange: str) -> Decimal:
        """Taker fee as a share of notional, as the settings say."""
        ...

    def published_fee(self, instrument: InstrumentId) -> Decimal | None:
        """What the exchange publishes as the taker fee of its first tier; None: not known."""
        ...


class EventSink(Protocol):
    """Who is told once something is recorded."""

    def publish(self, user_id: str, event: OrderEvent) -> None:
        """Tell; never blocks, never raises."""
        ...
