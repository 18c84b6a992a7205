"""Read what users took of books a short while ago, for an engine that takes their orders over.

Of users with open orders only: their closed orders are found by an index then. Whoever has none and comes
back within the memory of own impact meets the books as they are displayed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_models.enums import Fidelity
from twap_server.domain.clock import Nanos
from twap_server.domain.execution.taking import Taking
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.terms import OrderTerms
from twap_server.store.database import Database
from twap_server.store.fill_texts import read_fills
from twap_server.store.rows import to_terms
from twap_server.store.tables import orders, slices

_AT_ONCE: Final = 200
"""Users or orders that one statement names."""
_LAST_SLICES: Final = 2_000
"""Of an order that are looked at: more than the memory holds at one a second."""


class SqlTakings:
    """Implements what an engine needs that takes orders over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def takings(self, orders: Sequence[Order], since: Nanos) -> list[Taking]:
        """What the users of these open orders took since then, by these or by others, oldest first.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        users = sorted({one.terms.user_id for one in orders})
        named = {one.terms.order_id: one.terms for one in orders if _counts(one.terms)}
        async with self._database.reading() as connection:
            for first in range(0, len(users), _AT_ONCE):
                rows = await connection.execute(_ended(users[first : first + _AT_ONCE], since))
                named |= {row["order_id"]: to_terms(row) for row in rows.mappings()}
            return sorted(await _taken(connection, named, since), key=lambda one: one.time)


async def _taken(connection: AsyncConnection, named: Mapping[str, OrderTerms], since: Nanos) -> list[Taking]:
    found: list[Taking] = []
    for first in range(0, len(named), _AT_ONCE):
        some = list(named)[first : first + _AT_ONCE]
        for row in (await connection.execute(_filled(some, since))).mappings():
            found += _of_slice(row, named[row["order_id"]])
    return found


def _of_slice(row: Mapping[Any, Any], terms: OrderTerms) -> Iterator[Taking]:
    markets = {one.instrument.exchange: one.instrument for one in terms.destinations}
    for fill in read_fills(row["slice_index"], row["fills"]):
        yield Taking(
            user_id=terms.user_id,
            instrument=markets[fill.exchange],
            side=terms.side,
            realism=terms.realism,
            time=fill.time,
            price=fill.price,
            quantity=fill.quantity,
            touch=row["touch"],
        )


def _counts(terms: OrderTerms) -> bool:
    return terms.fidelity is Fidelity.DEPTH


def _ended(users: Sequence[str], since: Nanos) -> Select[Any]:
    return select(orders).where(
        orders.c.user_id.in_(users), orders.c.ended >= since, orders.c.fidelity == Fidelity.DEPTH.value
    )


def _filled(order_ids: Sequence[str], since: Nanos) -> Select[Any]:
    return (
        select(slices.c.order_id, slices.c.slice_index, slices.c.fills, slices.c.touch)
        .join(orders, orders.c.order_id == slices.c.order_id)
        .where(
            slices.c.order_id.in_(order_ids),
            slices.c.slice_index >= orders.c.next_slice - _LAST_SLICES,
            slices.c.decided >= since,
            slices.c.fills.is_not(None),
        )
        .order_by(slices.c.order_id, slices.c.slice_index)
    )
