"""What closed orders cost, in memory, by the rules of the real store."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from twap_models.enums import OrderStatus
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.order import Order
from twap_server.domain.tca.headline import ClosedOrder, CostFigures, CostFilter, Unmeasured
from twap_server.domain.tca.totals import Tally


class MemoryCosts:
    """Of the orders that somebody else holds."""

    def __init__(self, orders_of: Callable[[str], Sequence[Order]]) -> None:
        self._orders_of = orders_of
        self.kept: dict[str, CostFigures] = {}

    def _wanted(self, user_id: str, wanted: CostFilter) -> list[Order]:
        found = [one for one in self._orders_of(user_id) if _fits(one, wanted)]
        return sorted(found, key=_key, reverse=True)

    async def closed(
        self, user_id: str, wanted: CostFilter, *, limit: int, after: tuple[Nanos, str] | None
    ) -> list[ClosedOrder]:
        found = [one for one in self._wanted(user_id, wanted) if after is None or _key(one) < after]
        return [ClosedOrder(order=one, figures=self.kept.get(one.terms.order_id)) for one in found[:limit]]

    async def unmeasured(self, user_id: str, wanted: CostFilter, *, limit: int) -> list[Unmeasured]:
        found = [one for one in self._wanted(user_id, wanted) if one.terms.order_id not in self.kept]
        return [
            Unmeasured(
                order_id=one.terms.order_id,
                token_id=one.terms.token_id,
                slices=one.progress.next_slice,
                ended=Nanos(one.progress.ended or 0),
            )
            for one in found[:limit]
        ]

    async def are_more_than(self, most: int, user_id: str, wanted: CostFilter) -> bool:
        return len(self._wanted(user_id, wanted)) > most

    async def tallies(self, user_id: str, wanted: CostFilter) -> AsyncGenerator[Sequence[Tally], None]:
        for one in self._wanted(user_id, wanted):
            assert one.terms.instrument is not None
            tally = Tally(
                order_id=one.terms.order_id,
                quote=one.terms.instrument.symbol.rpartition("-")[2],
                filled=one.progress.filled,
                notional=one.progress.notional,
            )
            figures = self.kept.get(one.terms.order_id)
            yield [tally if figures is None else tally.with_figures(figures)]

    async def keep(self, measured: Mapping[str, CostFigures]) -> None:
        self.kept = {**measured, **self.kept}


def _key(order: Order) -> tuple[Nanos, str]:
    return Nanos(order.progress.ended or 0), order.terms.order_id


def _fits(order: Order, wanted: CostFilter) -> bool:
    terms, ended = order.terms, order.progress.ended
    symbol = terms.instrument.symbol if terms.instrument else None
    return (
        ended is not None
        and order.status is not OrderStatus.REJECTED
        and wanted.exchange in (None, terms.exchange)
        and (wanted.symbols is None or symbol in wanted.symbols)
        and wanted.side in (None, terms.side)
        and (wanted.start is None or ended >= wanted.start)
        and (wanted.end is None or ended < wanted.end)
    )
