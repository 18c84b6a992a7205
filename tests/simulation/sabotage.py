"""Ways to break the product on purpose: each must be seen by the invariant it guards. For tests only.

They replace one guard in the running process, which must be one that ends with the run.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

from msgspec.structs import force_setattr
from sqlalchemy import select

from twap_server.api.stream.book_publisher import BookPublisher
from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.execution import matching
from twap_server.domain.execution.impact import ImpactMemory
from twap_server.domain.market.events import BookState, BookStatus
from twap_server.domain.orders.order import Order
from twap_server.engine.engine import Engine
from twap_server.engine.entry.acceptance import OrderAcceptance
from twap_server.engine.market import snapshot
from twap_server.engine.work import slice_decision
from twap_server.engine.work.journal import Journal
from twap_server.engine.work.open_orders import OpenOrders
from twap_server.engine.work.step import PendingWrite
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.kraken.sequencer import KrakenSequencer
from twap_server.store.orders import SqlOrderStore
from twap_server.store.tables import orders


def _gate_open() -> None:
    original = snapshot.why_not_tradable

    def closed(live: Any, **named: Any) -> Any:
        has_levels = live is not None and live.book.best_bid() and live.book.best_ask()
        return None if has_levels else original(live, **named)

    snapshot.why_not_tradable = closed


def _no_sequence() -> None:
    def admit(self: Any, change: Any) -> bool:
        self._last = max(self._last, change.last_id)
        return True

    Chain.admit = admit  # type: ignore[method-assign]


def _no_checksum() -> None:
    KrakenSequencer.verify = lambda *_: None  # type: ignore[method-assign]


def _no_limit() -> None:
    matching.PriceBounds.stop = lambda *_: None  # type: ignore[method-assign]


def _no_depth() -> None:
    slice_decision.SliceDecider._walk = lambda self, seen, found, wanted: matching.match_at_touch(  # type: ignore[method-assign]
        wanted,
        found.ladders(seen.order.terms.side),
        matching.PriceBounds(side=seen.order.terms.side),
    )


def _no_memory() -> None:
    ImpactMemory.remembered = lambda *_, **__: Decimal(0)  # type: ignore[method-assign]


def _past_the_curve() -> None:
    slice_decision.wanted_quantity = lambda order, *_: order.remaining


def _late_fill() -> None:
    original = Order.after_slice

    def after(self: Order, result: Any, fills: Any) -> Order:
        for fill in fills:
            force_setattr(fill, "time", Nanos(self.plan.end + 1))
        return original(self, result, fills)

    Order.after_slice = after  # type: ignore[method-assign]


def _wrong_fee() -> None:
    original = Order.after_slice

    def after(self: Order, result: Any, fills: Any) -> Order:
        made = original(self, result, fills)
        force_setattr(made.progress, "fees", made.progress.fees + len(fills))
        return made

    Order.after_slice = after  # type: ignore[method-assign]


def _not_written() -> None:
    async def record(self: Any, writes: Any, *_: Any) -> None:
        pass

    SqlOrderStore._record = record  # type: ignore[method-assign]


def _told_first() -> None:
    original = Journal._record

    async def record(self: Any, writes: Any, *rest: Any) -> None:
        self._tell(writes)
        await asyncio.sleep(0.5)
        await original(self, writes, *rest)

    Journal._record = record  # type: ignore[method-assign]


def _never_ends() -> None:
    PendingWrite.end = lambda *_, **__: None  # type: ignore[method-assign]


def _forgets_tokens() -> None:
    original = OrderAcceptance.accept

    def accept(self: Any, user_id: str, request: Any, **named: Any) -> Any:
        return original(self, user_id, request, **{**named, "known": None})

    OrderAcceptance.accept = accept  # type: ignore[method-assign]


def _anybodys() -> None:
    original = SqlOrderStore.page

    async def page(self: SqlOrderStore, user_id: str, token_id: str, asked: Any) -> Any:
        owners = select(orders.c.user_id).where(orders.c.token_id == token_id)
        rows = await self._database.read(owners)
        return await original(self, rows[0]["user_id"] if rows else user_id, token_id, asked)

    SqlOrderStore.page = page  # type: ignore[method-assign]


def _always_live() -> None:
    original = LiveBook.view

    def view(self: LiveBook, depth: int) -> BookState:
        made = original(self, depth)
        object.__setattr__(made, "status", BookStatus.LIVE)
        return made

    LiveBook.view = view  # type: ignore[method-assign]


def _leaks_tasks() -> None:
    original = Engine._turn

    async def turn(self: Engine) -> None:
        asyncio.get_running_loop().create_task(asyncio.sleep(10**6))
        await original(self)

    Engine._turn = turn  # type: ignore[method-assign]


def _dead_ticker() -> None:
    async def tick(self: Any, phase: int | None = None) -> None:
        raise RuntimeError("a stage died")

    BookPublisher.tick = tick  # type: ignore[method-assign]


def _forgets_orders() -> None:
    original = OpenOrders.adopt

    def adopt(self: OpenOrders, order: Order) -> Any:
        made = original(self, order)
        if order.terms.order_id[-1] in "0123":
            self._turns.drop(order.terms.user_id, order.terms.order_id)
        return made

    OpenOrders.adopt = adopt  # type: ignore[method-assign]


def _unseeded() -> None:
    original = OrderAcceptance.__init__

    def init(self: Any, **named: Any) -> None:
        original(self, **{**named, "new_id": lambda: uuid4().hex})

    OrderAcceptance.__init__ = init  # type: ignore[method-assign]


SABOTAGE: dict[str, Callable[[], None]] = {
    "gate always open": _gate_open,
    "sequence not checked": _no_sequence,
    "checksum not checked": _no_checksum,
    "limit not checked": _no_limit,
    "depth not respected": _no_depth,
    "impact forgotten": _no_memory,
    "wants more than the curve": _past_the_curve,
    "filled after the end": _late_fill,
    "fees added wrongly": _wrong_fee,
    "answered without writing": _not_written,
    "told before recorded": _told_first,
    "orders never end": _never_ends,
    "an order is forgotten": _forgets_orders,
    "tokens not recognised": _forgets_tokens,
    "orders of anybody": _anybodys,
    "books always live": _always_live,
    "tasks leak": _leaks_tasks,
    "a stage dies": _dead_ticker,
    "ids not seeded": _unseeded,
}
