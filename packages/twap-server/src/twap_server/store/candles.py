"""Keep closed candles, and say between which moments every one is known.

A cache: whatever is lost here is fetched again. It is bounded; the ranges kept longest ago go first.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.market.candles import length
from twap_server.domain.market.events import Candle
from twap_server.domain.market.known_candles import KnownRange, Series, joined
from twap_server.store.database import Database
from twap_server.store.tables import candle_ranges as ranges
from twap_server.store.tables import candles as table

_AT_ONCE = 200
"""Candles of one transaction: orders are recorded in between."""
_FIGURES = ("open_time", "close_time", "open", "high", "low", "close", "volume")


class SqlCandleStore:
    """Implements the collector's ``CandleArchive``."""

    def __init__(self, database: Database, clock: Clock, *, most: int) -> None:
        """Args: most: candles to keep, of all series together."""
        self._database, self._clock, self._most = database, clock, most

    async def newest_range(self, series: Series, before: Nanos) -> KnownRange | None:
        """Return the range that begins at ``before`` or latest before it; None where there is none.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        statement = select(ranges.c.first, ranges.c.last).where(_of(ranges, series), ranges.c.first <= before)
        found = await self._database.read(statement.order_by(ranges.c.first.desc()).limit(1))
        return KnownRange(found[0]["first"], found[0]["last"]) if found else None

    async def read(self, series: Series, within: KnownRange) -> list[Candle]:
        """Return the candles that open within, oldest first.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        statement = select(*(table.c[name] for name in _FIGURES)).where(_opens_within(series, within))
        rows = await self._database.read(statement.order_by(table.c.open_time))
        return [Candle(**{name: row[name] for name in _FIGURES}, closed=True) for row in rows]

    async def keep(self, series: Series, known: KnownRange, candles: Sequence[Candle]) -> None:
        """Take in closed candles, and that nothing else was traded within ``known``.

        Raises:
            StoreConflict, StoreUnavailable: nothing is known to be kept.
        """
        begin = known.first
        for at in range(0, max(1, len(candles)), _AT_ONCE):
            some = candles[at : at + _AT_ONCE]
            end = some[-1].open_time if at + _AT_ONCE < len(candles) else known.last
            await self._keep(series, KnownRange(begin, end), some)
            begin = Nanos(end + 1)

    async def _keep(self, series: Series, known: KnownRange, candles: Sequence[Candle]) -> None:
        async with self._database.transaction() as connection:
            if self._database.dialect == "postgresql":  # others may write at the same time
                await connection.exec_driver_sql("LOCK TABLE candle_ranges IN SHARE ROW EXCLUSIVE MODE")
            await connection.execute(delete(table).where(_opens_within(series, known)))
            if candles:
                await connection.execute(insert(table), [_row(series, one) for one in candles])
            await self._join(connection, series, known)
            await self._forget_oldest(connection)

    async def _join(self, connection: AsyncConnection, series: Series, known: KnownRange) -> None:
        step = length(series.interval)
        touching = and_(
            _of(ranges, series), ranges.c.first <= known.last + step, ranges.c.last >= known.first - step
        )
        found = await connection.execute(select(ranges.c.first, ranges.c.last).where(touching))
        whole = joined((KnownRange(*row) for row in found), known, step=step)
        counted = select(func.count()).select_from(table).where(_opens_within(series, whole))
        number = (await connection.execute(counted)).scalar_one()
        await connection.execute(delete(ranges).where(touching))
        row = _key(series) | {"first": whole.first, "last": whole.last}
        await connection.execute(insert(ranges), [row | {"number": number, "kept": self._clock.now()}])

    async def _forget_oldest(self, connection: AsyncConnection) -> None:
        total = (await connection.execute(select(func.sum(ranges.c.number)))).scalar_one() or 0
        while total > self._most:
            oldest = (
                (await connection.execute(select(ranges).order_by(ranges.c.kept).limit(1))).mappings().one()
            )
            of_it = [ranges.c[name] == oldest[name] for name in ("exchange", "symbol", "interval", "first")]
            within = [table.c[name] == oldest[name] for name in ("exchange", "symbol", "interval")]
            await connection.execute(
                delete(table).where(*within, table.c.open_time.between(oldest["first"], oldest["last"]))
            )
            await connection.execute(delete(ranges).where(*of_it))
            total -= oldest["number"]


def _key(series: Series) -> dict[str, Any]:
    (exchange, symbol), interval = series
    return {"exchange": exchange, "symbol": symbol, "interval": interval.value}


def _row(series: Series, candle: Candle) -> dict[str, Any]:
    return _key(series) | {name: getattr(candle, name) for name in _FIGURES}


def _of(where: Table, series: Series) -> ColumnElement[bool]:
    return and_(*(where.c[name] == value for name, value in _key(series).items()))


def _opens_within(series: Series, within: KnownRange) -> ColumnElement[bool]:
    return and_(_of(table, series), table.c.open_time.between(within.first, within.last))
