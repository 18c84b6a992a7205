"""Store the headline figures of closed orders, and read closed orders by their end, newest first.

Figures are never compared or summed in SQL: SQLite keeps them as text. Only who computed figures from an
order's whole record writes them, once; orders themselves are not touched.
"""

import builtins
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from twap_models.enums import OrderStatus
from twap_server.domain.clock import Nanos
from twap_server.domain.market.symbols import assets_of
from twap_server.domain.tca.headline import ClosedOrder, CostFigures, CostFilter, Unmeasured
from twap_server.domain.tca.totals import Tally
from twap_server.store import queries
from twap_server.store.database import Database
from twap_server.store.rows import Columns, to_order
from twap_server.store.tables import order_costs, orders

_AT_ONCE = 500
"""Rows: others have their turn in between."""
_FIGURES = tuple(one.name for one in fields(CostFigures))
_ADDED_UP = ("shortfall", "reference", "spread", "depth", "decision_price")
_OF_COSTS = "of_costs_"
_MEASURED = order_costs.c.order_id == orders.c.order_id
_Key = tuple[Nanos, str]
"""End and id of an order."""


class SqlCostStore:
    """Implements what the API needs to tell costs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def closed(
        self, user_id: str, wanted: CostFilter, *, limit: int, after: _Key | None
    ) -> builtins.list[ClosedOrder]:
        """A page of a user's closed orders, newest end first, behind ``after``."""
        named = [order_costs.c[name].label(_OF_COSTS + name) for name in ("order_id", *_FIGURES)]
        statement = queries.whole(*named).outerjoin(order_costs, _MEASURED)
        rows = await self._database.read(_newest(statement, user_id, wanted, after).limit(limit))
        return [ClosedOrder(order=to_order(row), figures=_figures(row)) for row in rows]

    async def unmeasured(self, user_id: str, wanted: CostFilter, *, limit: int) -> builtins.list[Unmeasured]:
        """The newest of them whose figures are not kept."""
        statement = select(orders.c.order_id, orders.c.token_id, orders.c.next_slice, orders.c.ended)
        statement = statement.select_from(orders).outerjoin(order_costs, _MEASURED)
        statement = statement.where(order_costs.c.order_id.is_(None))
        return [
            Unmeasured(
                order_id=row["order_id"],
                token_id=row["token_id"],
                slices=row["next_slice"],
                ended=row["ended"],
            )
            for row in await self._database.read(_newest(statement, user_id, wanted, None).limit(limit))
        ]

    async def are_more_than(self, most: int, user_id: str, wanted: CostFilter) -> bool:
        """Whether there are more than so many closed orders."""
        some = _newest(select(orders.c.order_id), user_id, wanted, None).limit(most + 1).subquery()
        (row,) = await self._database.read(select(func.count().label("number")).select_from(some))
        return bool(row["number"] > most)

    async def tallies(self, user_id: str, wanted: CostFilter) -> AsyncGenerator[Sequence[Tally], None]:
        """What each of them adds to the sums, some hundred at a time."""
        key: _Key | None = None
        statement = select(
            orders.c.order_id,
            orders.c.ended,
            orders.c.instrument_symbol,
            orders.c.filled,
            orders.c.notional,
            orders.c.fees,
            orders.c.forecast_bps,
            order_costs.c.order_id.label("known"),
            *(order_costs.c[name] for name in _ADDED_UP),
        )
        statement = statement.select_from(orders).outerjoin(order_costs, _MEASURED)
        while True:
            rows = await self._database.read(_newest(statement, user_id, wanted, key).limit(_AT_ONCE))
            yield [_tally(row) for row in rows]
            if len(rows) < _AT_ONCE:
                return
            key = (rows[-1]["ended"], rows[-1]["order_id"])

    async def keep(self, measured: Mapping[str, CostFigures]) -> None:
        """Record figures by order id; those that are there stay.

        Raises:
            StoreUnavailable: none, or all, were recorded.
        """
        if not measured:
            return
        dialect = postgresql if self._database.dialect == "postgresql" else sqlite
        rows = [{"order_id": order_id, **asdict(figures)} for order_id, figures in measured.items()]
        async with self._database.account_transaction() as connection:
            await connection.execute(dialect.insert(order_costs).on_conflict_do_nothing(), rows)


def _newest(statement: Select[Any], user_id: str, wanted: CostFilter, after: _Key | None) -> Select[Any]:
    """Of the user's orders that began and have ended, those that are wanted."""
    conditions: list[ColumnElement[bool]] = [
        orders.c.user_id == user_id,
        orders.c.ended.is_not(None),
        orders.c.status != OrderStatus.REJECTED.value,
    ]
    if wanted.exchange is not None:
        conditions.append(orders.c.exchange == wanted.exchange)
    if wanted.symbols is not None:
        conditions.append(orders.c.instrument_symbol.in_(sorted(wanted.symbols)))
    if wanted.side is not None:
        conditions.append(orders.c.side == wanted.side.value)
    if wanted.start is not None:
        conditions.append(orders.c.ended >= wanted.start)
    if wanted.end is not None:
        conditions.append(orders.c.ended < wanted.end)
    if after is not None:
        conditions.append(tuple_(orders.c.ended, orders.c.order_id) < tuple_(*after))
    return statement.where(and_(*conditions)).order_by(orders.c.ended.desc(), orders.c.order_id.desc())


def _figures(row: Columns) -> CostFigures | None:
    if row[f"{_OF_COSTS}order_id"] is None:
        return None
    return CostFigures(**{name: row[_OF_COSTS + name] for name in _FIGURES})


def _tally(row: Columns) -> Tally:
    return Tally(
        order_id=row["order_id"],
        quote=assets_of(row["instrument_symbol"])[1],
        filled=row["filled"],
        notional=row["notional"],
        fees=row["fees"],
        forecast_bps=row["forecast_bps"],
        is_known=row["known"] is not None,
        **{name: row[name] for name in _ADDED_UP},
    )
