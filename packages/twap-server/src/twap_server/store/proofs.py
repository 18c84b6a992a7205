"""Read what an order's decisions can be recomputed from: its record, and what the user took beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_models.enums import Fidelity, ImpactModel, OrderEventType
from twap_server.domain.clock import Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.proof import REMEMBERED_HALF_LIVES, ProofRecord, Taken
from twap_server.domain.orders.realism import SHIFT_HALF_LIFE
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.terms import OrderTerms
from twap_server.store.database import Database
from twap_server.store.fill_texts import read_fills
from twap_server.store.orders import read_record
from twap_server.store.rows import to_terms
from twap_server.store.tables import order_events, orders, slices

_AT_ONCE = 200
"""Orders that one statement names."""


class SqlProofStore:
    """Implements what the API needs to prove orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def proof(self, user_id: str, token_id: str, *, memory: int) -> ProofRecord | None:
        """What one order can be proven by; None where the user has no such order.

        Args:
            user_id: whose.
            token_id: of the order.
            memory: nanoseconds before its first decision in which other orders' fills still matter.
        """
        async with self._database.reading() as connection:
            record = await read_record(connection, user_id, token_id)
            if record is None:
                return None
            events = (await connection.execute(_events_of([record.order.terms.order_id]))).mappings().all()
            return ProofRecord(
                record=record,
                begins={
                    row["revision"]: row["next_slice"]
                    for row in events
                    if row["type"] == OrderEventType.AMENDED.value
                },
                seqs={row["slice_index"]: row["seq"] for row in events if row["slice_index"] is not None},
                taken=await _taken_beside(connection, record, memory),
            )


async def _taken_beside(connection: AsyncConnection, record: OrderRecord, memory: int) -> tuple[Taken, ...]:
    moments = [one.decided for one in record.slices if one.decided is not None]
    if not moments or record.order.terms.fidelity is not Fidelity.DEPTH:
        return ()
    first, last = Nanos(moments[0] - memory), moments[-1]
    beside = await _markets_beside(connection, record.order, first, last, memory // REMEMBERED_HALF_LIVES)
    found: list[Taken] = []
    for at in range(0, len(beside), _AT_ONCE):
        named = list(beside)[at : at + _AT_ONCE]
        told = (await connection.execute(_events_of(named))).mappings()
        seqs = {(row["order_id"], row["slice_index"]): row["seq"] for row in told}
        for row in (await connection.execute(_filled(named, first, last))).mappings():
            key = (row["order_id"], row["slice_index"])
            found += _of_slice(row, seqs[key], beside[row["order_id"]])
    return tuple(sorted(found, key=lambda one: one.seq))


async def _markets_beside(
    connection: AsyncConnection, order: Order, first: Nanos, last: Nanos, half_life: int
) -> Mapping[str, Mapping[str, InstrumentId]]:
    """The user's other orders that may have taken something meanwhile, each with their common markets.

    Only those under the same impact model and half-life: what others took is displayed to this one.
    """
    markets = {one.instrument for one in order.terms.destinations}
    own = _memory_of(order.terms, half_life)
    rows = (await connection.execute(_beside(order, first, last))).mappings()
    found = {}
    for terms in map(to_terms, rows):
        common = {
            one.instrument.exchange: one.instrument for one in terms.destinations if one.instrument in markets
        }
        if common and _memory_of(terms, half_life) == own:
            found[terms.order_id] = common
    return found


def _memory_of(terms: OrderTerms, usual: int) -> tuple[ImpactModel, int]:
    """Which memory of own impact an order goes by; ``usual``: the half-life of the settings."""
    realism = terms.realism
    unsaid = usual if realism.impact is ImpactModel.LEVEL else SHIFT_HALF_LIFE
    return realism.impact, unsaid if realism.half_life is None else realism.half_life


def _beside(order: Order, first: Nanos, last: Nanos) -> Select[Any]:
    terms = order.terms
    return select(orders).where(
        orders.c.user_id == terms.user_id,
        orders.c.order_id != terms.order_id,
        orders.c.side == terms.side.value,
        orders.c.fidelity == Fidelity.DEPTH.value,
        orders.c.created <= last,
        or_(orders.c.ended.is_(None), orders.c.ended >= first),
    )


def _filled(order_ids: Sequence[str], first: Nanos, last: Nanos) -> Select[Any]:
    wanted = slices.c.decided.between(first, last)
    return select(slices.c.order_id, slices.c.slice_index, slices.c.fills).where(
        slices.c.order_id.in_(order_ids), slices.c.fills.is_not(None), wanted
    )


def _events_of(order_ids: Sequence[str]) -> Select[Any]:
    named = (order_events.c.order_id, order_events.c.slice_index, order_events.c.seq)
    return select(*named, order_events.c.type, order_events.c.revision, order_events.c.next_slice).where(
        order_events.c.user_id.in_(select(orders.c.user_id).where(orders.c.order_id.in_(order_ids))),
        order_events.c.order_id.in_(order_ids),
    )


def _of_slice(row: Mapping[Any, Any], seq: int, markets: Mapping[str, InstrumentId]) -> list[Taken]:
    return [
        Taken(
            seq=seq,
            time=fill.time,
            instrument=markets[fill.exchange],
            price=fill.price,
            quantity=fill.quantity,
            book_time=fill.book_time,
        )
        for fill in read_fills(row["slice_index"], row["fills"])
        if fill.exchange in markets
    ]
