"""Turn one commit of the engine into plain rows: tuples in the order of their table's columns.

In: decisions and samples. Out: rows that the driver takes as they are. A slice touches three tables, so rows
pass SQLAlchemy as they stand, under a statement that it compiled once: translating dictionaries of
parameters row by row cost more than the database itself.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Insert, Table, Update, insert
from sqlalchemy.dialects import postgresql, sqlite

from twap_server.domain.errors import StoreConflict
from twap_server.domain.orders.order import Fill, Order, OrderEvent, OrderProgress, SliceResult
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Destination
from twap_server.domain.orders.write import OrderWrite
from twap_server.store import queries
from twap_server.store.columns import ToColumn
from twap_server.store.curve_texts import write_curve, write_parameters
from twap_server.store.fill_texts import write_fills
from twap_server.store.legs import finest_tick, write_legs
from twap_server.store.realism_texts import write_realism, write_sent
from twap_server.store.tables import order_events, order_plans, order_samples, orders, slices

Values: TypeAlias = tuple[Any, ...]

ADVANCED = "advance"
"""Replaces orders' progress, each provided that its version is the one before."""
SLICED = "sliced"
"""The same for orders of which nothing but slices is new: their status is the one before, too."""
_IN_ORDER = (
    orders.name, order_plans.name, SLICED, ADVANCED, slices.name, order_events.name, order_samples.name,
)  # fmt: skip
"""Rows that others refer to come first."""
_VERSION = queries.PROGRESS.index("version")


class Batch(NamedTuple):
    """Rows that one statement writes."""

    what: str
    """Names the statement, see ``statements``."""
    rows: list[Values]
    is_guarded: bool = False
    """Each row must change one that is there."""


def batches_of(
    writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]], *, number: ToColumn, narrow: bool
) -> list[Batch]:
    """What a commit writes, in the order of its statements; none where there are no rows.

    Args:
        writes: decisions about orders.
        samples: of orders' markets, by order id.
        number: writes a number for the database.
        narrow: of orders of which nothing but slices is new, what a slice cannot change is left alone.

    Raises:
        StoreConflict: a fill is there twice, or without its slice.
    """
    made: dict[str, list[Values]] = {name: [] for name in _IN_ORDER}
    legs = _LegTexts()
    for write in writes:
        order, order_id = write.order, write.order.terms.order_id
        if write.is_new:
            made[orders.name].append(order_values(order, number, legs))
        if write.is_new or write.is_replanned:
            made[order_plans.name].append(plan_values(order, number))
        progress = _add_events(made[order_events.name], write, number)
        if not write.is_new:
            what = SLICED if narrow and write.is_sliced else ADVANCED
            made[what].append(_CHANGES[what](order_id, progress))
        made[slices.name] += _slice_rows(write, number)
    made[order_samples.name] = [sample_values(order_id, sample, number) for order_id, sample in samples]
    return [Batch(name, rows, name in _CHANGES) for name, rows in made.items() if rows]


def _add_events(made: list[Values], write: OrderWrite, number: ToColumn) -> Values:
    """Write a decision's events; give the progress after it, which mostly is that of the last one."""
    then: OrderProgress | None = None
    progress: Values = ()
    for event in write.events:
        then = event.order.progress
        progress = progress_values(then, event.order.plan.revision, number)
        made.append((*event_values(event), *progress))
    if then is write.order.progress:
        return progress
    return progress_values(write.order.progress, write.order.plan.revision, number)


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
        legs(terms.destinations),
        terms.side.value,
        terms.created,
        terms.start,
        terms.carry.value,
        number(terms.max_slippage_bps),
        terms.fidelity.value,
        number(terms.randomize),
        number(terms.participation_cap),
        number(finest_tick(terms.destinations)),
        number(terms.lot_size),
        number(terms.decision_price),
        number(terms.forecast_bps),
        terms.strategy.name.value,
        write_parameters(terms.strategy),
        write_realism(terms.realism),
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
        write_curve(plan.curve, plan.step),
    )


def slice_values(order_id: str, result: SliceResult, fills: str | None, number: ToColumn) -> Values:
    """Write how a slice ended, with its fills as text."""
    reason = result.reason
    return (
        order_id,
        result.index,
        result.due,
        result.outcome._value_,
        None if reason is None else reason._value_,
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
        fills,
        None if result.sent is None else write_sent(result.sent),
    )


def _slice_rows(write: OrderWrite, number: ToColumn) -> Iterator[Values]:
    """Write a decision's slices, each with the fills that are its own."""
    order_id, of_slice = write.order.terms.order_id, defaultdict[int, list[Fill]](list)
    for fill in write.fills:
        of_slice[fill.slice_index].append(fill)
    for result in write.slices:
        yield slice_values(order_id, result, write_fills(of_slice.pop(result.index, ())), number)
    if of_slice:
        raise StoreConflict(f"not recorded: order {order_id} has fills of slices that do not end with them")


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


def event_values(event: OrderEvent) -> Values:
    """Write an event, without the progress as it was then."""
    order_id = event.order.terms.order_id
    return (
        event.order.terms.user_id,
        event.seq,
        event.type._value_,
        event.time,
        order_id,
        None if event.slice is None else event.slice.index,
        len(event.fills),
    )


def advance_values(order_id: str, progress: Values) -> Values:
    """Write an order's progress, and which order and version it follows."""
    return (*progress, order_id, progress[_VERSION] - 1)


def advance_rows(rows: Sequence[Values]) -> list[dict[str, Any]]:
    """The same by name, for the statement that takes columns instead of rows."""
    names = (*queries.PROGRESS, "of_order", "of_version")
    return [dict(zip(names, row, strict=True)) for row in rows]


def sliced_values(order_id: str, progress: Values) -> Values:
    """Write what a slice changed of an order, and which version and status it follows."""
    status, filled, notional, fees, next_slice, _, _, _, traded, version, _ = progress
    return (filled, notional, fees, next_slice, traded, version, order_id, version - 1, status)


_CHANGES: Mapping[str, Callable[[str, Values], Values]] = {SLICED: sliced_values, ADVANCED: advance_values}
"""Statements that change orders, with what writes their rows."""


def progress_values(progress: OrderProgress, revision: int, number: ToColumn) -> Values:
    """Write an order's progress, and which revision of its plan it is at."""
    return (
        progress.status._value_,
        number(progress.filled),
        number(progress.notional),
        number(progress.fees),
        progress.next_slice,
        str(progress.reason),
        progress.detail,
        progress.ended,
        number(progress.traded),
        progress.version,
        revision,
    )


def statements(dialect: str) -> dict[str, Insert | Update]:
    """Every statement that rows are written with, by name."""
    return {
        ADVANCED: queries.advance(),
        orders.name: insert(orders),
        order_plans.name: insert(order_plans),
        SLICED: queries.advance(queries.SLICED, within=("status",)),
        slices.name: insert(slices),
        order_events.name: insert(order_events),
        order_samples.name: _unless_there(order_samples, dialect),
    }


def _unless_there(table: Table, dialect: str) -> Insert:
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


@cache
def compiled(what: str, dialect: str) -> str:
    """The text of a statement."""
    kind = postgresql.asyncpg if dialect == "postgresql" else sqlite
    return str(statements(dialect)[what].compile(dialect=kind.dialect()))
