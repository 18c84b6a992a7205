"""What one commit of the engine writes, as plain rows: tuples in the order of their table's columns.

In: decisions and samples. Out: rows that the driver takes as they are. A slice touches four tables, so rows
pass SQLAlchemy as they stand, under a statement that it compiled once: translating dictionaries of
parameters row by row cost more than the database itself.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeAlias

from sqlalchemy import Insert, Table, Update, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.orders.order import Fill, Order, OrderEvent, OrderProgress, SliceResult
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Destination
from twap_server.store import queries
from twap_server.store.columns import ToColumn, to_column
from twap_server.store.legs import write_legs
from twap_server.store.tables import fills, order_events, order_plans, order_samples, orders, slices

Values: TypeAlias = tuple[Any, ...]

_slice_of = attrgetter("slice_index")


class Batches:
    """Writes rows with a connection; one statement each, none where there are no rows."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._number = to_column(connection.dialect.name)

    async def orders(self, new: Sequence[Order]) -> None:
        """Insert orders."""
        number, legs = self._number, _LegTexts()
        await self._run(orders.name, [order_values(order, number, legs) for order in new])

    async def plans(self, of: Sequence[Order]) -> None:
        """Insert the plans that orders are at."""
        await self._run(order_plans.name, [plan_values(order, self._number) for order in of])

    async def advance(self, changed: Sequence[Order]) -> int:
        """Replace orders' progress, each provided that its version is the one before; say how many were."""
        return await self._run("advance", [advance_values(order, self._number) for order in changed])

    def advance_rows(self, changed: Sequence[Order]) -> list[dict[str, Any]]:
        """What ``advance`` writes, by name and not yet written."""
        return [advance_row(order, self._number) for order in changed]

    async def advance_sliced(self, changed: Sequence[Order]) -> int:
        """The same for orders of which nothing but slices is new: their status is the one before, too."""
        return await self._run("sliced", [sliced_values(order, self._number) for order in changed])

    async def slices(self, of_orders: Sequence[tuple[str, Sequence[SliceResult]]]) -> None:
        """Insert slices, given with their orders' ids."""
        number = self._number
        await self._run(
            slices.name,
            [slice_values(order_id, result, number) for order_id, results in of_orders for result in results],
        )

    async def fills(self, of_orders: Sequence[tuple[str, Sequence[Fill]]]) -> None:
        """Insert fills, given with their orders' ids."""
        number = self._number
        await self._run(
            fills.name,
            [row for order_id, filled in of_orders for row in fill_values(order_id, filled, number)],
        )

    async def events(self, told: Sequence[OrderEvent]) -> None:
        """Insert events."""
        await self._run(order_events.name, [event_values(event, self._number) for event in told])

    async def samples(self, taken: Sequence[tuple[str, Sample]]) -> None:
        """Insert samples; a repeat after a commit of unknown outcome is no conflict."""
        number = self._number
        await self._run(
            order_samples.name, [sample_values(order_id, sample, number) for order_id, sample in taken]
        )

    async def _run(self, what: str, rows: list[Values]) -> int:
        if not rows:
            return 0
        statement = _compiled(what, self._connection.dialect.name)
        done = await self._connection.exec_driver_sql(statement, rows)
        return done.rowcount


class _LegTexts:
    """Legs as text: orders of one list share theirs, so each is written once a commit."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def __call__(self, legs: Sequence[Destination]) -> str:
        known = self._texts.get(id(legs))
        if known is None:
            known = self._texts[id(legs)] = write_legs(legs)
        return known


def order_values(order: Order, number: ToColumn, legs: Callable[[Sequence[Destination]], str]) -> Values:
    """Write an order, terms and progress; ``legs`` writes its legs."""
    terms = order.terms
    instrument = terms.instrument
    return (
        terms.order_id,
        terms.user_id,
        terms.token_id,
        terms.fingerprint,
        terms.exchange,
        terms.symbol,
        None if instrument is None else instrument.exchange,
        None if instrument is None else instrument.symbol,
        legs(terms.legs),
        terms.side.value,
        terms.created,
        terms.start,
        terms.carry.value,
        number(terms.max_slippage_bps),
        terms.fidelity.value,
        number(terms.randomize),
        number(terms.participation_cap),
        number(terms.tick_size),
        number(terms.lot_size),
        number(terms.decision_price),
        *progress_values(order.progress, order.plan.revision, number),
    )


def plan_values(order: Order, number: ToColumn) -> Values:
    """Write the plan an order is at."""
    plan = order.plan
    return (
        order.terms.order_id,
        plan.revision,
        number(plan.quantity),
        number(plan.limit),
        plan.start,
        plan.end,
        plan.interval,
        plan.slice_count,
        plan.first,
        number(plan.base),
        json.dumps(plan.warnings) if plan.warnings else "[]",
    )


def slice_values(order_id: str, result: SliceResult, number: ToColumn) -> Values:
    """Write how a slice ended."""
    reason = result.reason
    return (
        order_id,
        result.index,
        result.due,
        result.outcome.value,
        None if reason is None else reason.value,
        number(result.wanted),
        number(result.filled),
        number(result.notional),
        result.decided,
        number(result.target),
        number(result.mid),
        number(result.touch),
        result.touch_exchange,
        number(result.traded),
        result.book_time,
    )


def fill_values(order_id: str, filled: Sequence[Fill], number: ToColumn) -> Iterator[Values]:
    """Write fills, numbered within their slice in the order given."""
    for slice_index, same_slice in groupby(sorted(filled, key=_slice_of), key=_slice_of):
        for n, fill in enumerate(same_slice):
            yield (
                fill.fill_id,
                order_id,
                slice_index,
                n,
                fill.time,
                fill.exchange,
                number(fill.price),
                number(fill.quantity),
                number(fill.fee),
                fill.book_seq,
                fill.book_time,
            )


def sample_values(order_id: str, sample: Sample, number: ToColumn) -> Values:
    """Write a sample of an order's market."""
    sweep = sample.sweep
    return (
        order_id,
        sample.time,
        number(sample.mid),
        number(sample.volume),
        number(sample.notional),
        number(sweep.filled) if sweep else None,
        number(sweep.notional) if sweep else None,
        number(sweep.fees) if sweep else None,
    )


def event_values(event: OrderEvent, number: ToColumn) -> Values:
    """Write an event with the progress as it was then."""
    order = event.order
    return (
        order.terms.user_id,
        event.seq,
        event.type.value,
        event.time,
        order.terms.order_id,
        None if event.slice is None else event.slice.index,
        len(event.fills),
        *progress_values(order.progress, order.plan.revision, number),
    )


def advance_values(order: Order, number: ToColumn) -> Values:
    """Write an order's progress, and which order and version it follows."""
    progress = order.progress
    return (
        *progress_values(progress, order.plan.revision, number),
        order.terms.order_id,
        progress.version - 1,
    )


def advance_row(order: Order, number: ToColumn) -> dict[str, Any]:
    """The same by name, for the statement that takes columns instead of rows."""
    return dict(
        zip((*queries.PROGRESS, "of_order", "of_version"), advance_values(order, number), strict=True)
    )


def sliced_values(order: Order, number: ToColumn) -> Values:
    """Write what a slice changed of an order, and which version and status it follows."""
    progress = order.progress
    return (
        number(progress.filled),
        number(progress.notional),
        number(progress.fees),
        progress.next_slice,
        progress.version,
        order.terms.order_id,
        progress.version - 1,
        progress.status.value,
    )


def progress_values(progress: OrderProgress, revision: int, number: ToColumn) -> Values:
    """Write an order's progress, and which revision of its plan it is at."""
    return (
        progress.status.value,
        number(progress.filled),
        number(progress.notional),
        number(progress.fees),
        progress.next_slice,
        str(progress.reason),
        progress.detail,
        progress.ended,
        progress.version,
        revision,
    )


def statements(dialect: str) -> dict[str, Insert | Update]:
    """Every statement that rows are written with, by name."""
    return {
        "advance": queries.advance(),
        orders.name: insert(orders),
        order_plans.name: insert(order_plans),
        "sliced": queries.advance(queries.SLICED, within=("status",)),
        slices.name: insert(slices),
        fills.name: insert(fills),
        order_events.name: insert(order_events),
        order_samples.name: _unless_there(order_samples, dialect),
    }


def _unless_there(table: Table, dialect: str) -> Insert:
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


@cache
def _compiled(what: str, dialect: str) -> str:
    kind = postgresql.asyncpg if dialect == "postgresql" else sqlite
    return str(statements(dialect)[what].compile(dialect=kind.dialect()))
