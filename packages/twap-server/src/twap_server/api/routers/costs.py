"""Serve what closed orders cost: a page of them, and what all come to. Each user sees only their own."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from twap_models.costs import CostPage, CostSummary
from twap_models.enums import Side
from twap_models.fields import ExchangeName, Moment, SymbolText
from twap_server.api.http.documented import problems
from twap_server.api.http.exact_json import ExactRoute, written
from twap_server.api.routers.dependencies import ReaderDep, ServicesDep
from twap_server.api.routers.measured_costs import MOST_ORDERS, InTurn, Work, measured, portion
from twap_server.api.routers.named_symbols import canonical_symbols
from twap_server.api.services import Services
from twap_server.api.wire.cursor import read_cursor, write_end
from twap_server.api.wire.large import LIGHT, Written
from twap_server.api.wire.present_costs import cost_summary, order_cost
from twap_server.api.wire.requests import resolve
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.tca.headline import CostFigures, CostFilter
from twap_server.domain.tca.totals import CostTotals

router = APIRouter(tags=["orders"], route_class=ExactRoute)

_MANY = 1_000
"""Orders that are added up without a turn among the large answers."""


@router.get("/costs", response_model=CostPage, responses=problems(401, 403, 422, 503))
async def list_costs(
    *,
    request: Request,
    services: ServicesDep,
    caller: ReaderDep,
    exchange: ExchangeName | None = None,
    symbol: SymbolText | None = None,
    side: Side | None = None,
    start_time: Annotated[Moment | None, Query(description="Ended then or later.")] = None,
    end_time: Annotated[Moment | None, Query(description="Ended before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str | None, Query(max_length=256, description="`next` of the page before.")] = None,
    summary: Annotated[
        bool | None, Query(description="Add up all that the filter fits; absent: on the first page.")
    ] = None,
) -> Response:
    """What your closed orders cost, newest end first: the headline figures of their reports, and sums.

    Rejected orders never began and are not listed. An order whose figures are not computed yet is `pending`.
    """
    wanted = _filter(
        services, exchange=exchange, symbol=symbol, side=side, start_time=start_time, end_time=end_time
    )
    asked = _Asked(
        services,
        caller.user_id,
        wanted,
        limit=limit,
        place=None if after is None else read_cursor(after),
        with_sums=after is None if summary is None else summary,
    )
    return await asked.answer(str(request.url))


class _Asked:
    """One question, and how it is answered: at once, or in its turn among the large answers."""

    def __init__(
        self,
        services: Services,
        user_id: str,
        wanted: CostFilter,
        *,
        limit: int,
        place: tuple[Nanos, str] | None,
        with_sums: bool,
    ) -> None:
        self._services = services
        self._user_id = user_id
        self._wanted = wanted
        self._limit = limit
        self._place = place
        self._with_sums = with_sums

    async def answer(self, url: str) -> Response:
        large = self._services.large
        if await self._is_large():
            return await large.answer(
                self._user_id, (self._user_id, url), lambda: self._made(lambda _, work: large.in_thread(work))
            )
        made = await self._made(self._with_others)
        return Response(b"".join(made.pieces), media_type=made.media_type)

    async def _is_large(self) -> bool:
        costs = self._services.costs
        missing = await costs.unmeasured(self._user_id, self._wanted, limit=MOST_ORDERS)
        if sum(one.slices for one in portion(missing)) > LIGHT:
            return True
        return self._with_sums and await costs.are_more_than(_MANY, self._user_id, self._wanted)

    async def _with_others(self, slices: int, work: Work) -> CostFigures:
        return await self._services.large.write(self._user_id, slices, work)

    async def _made(self, in_turn: InTurn) -> Written:
        services = self._services
        missing = await services.costs.unmeasured(self._user_id, self._wanted, limit=MOST_ORDERS)
        found = await measured(
            self._user_id,
            portion(missing),
            in_turn=in_turn,
            records=services.records,
            costs=services.costs,
            clock=services.clock,
        )
        page = await self._page(found)
        if self._with_sums:
            page = page.model_copy(update={"summary": await self._summary(found)})
        return Written(pieces=[written(page)])

    async def _page(self, found: Mapping[str, CostFigures]) -> CostPage:
        closed = await self._services.costs.closed(
            self._user_id, self._wanted, limit=self._limit + 1, after=self._place
        )
        shown = closed[: self._limit]
        return CostPage(
            orders=[
                order_cost(one.order, one.figures or found.get(one.order.terms.order_id)) for one in shown
            ],
            next=write_end(shown[-1].order) if len(closed) > self._limit else None,
        )

    async def _summary(self, found: Mapping[str, CostFigures]) -> CostSummary:
        totals = CostTotals()
        async for some in self._services.costs.tallies(self._user_id, self._wanted):
            for one in some:
                figures = None if one.is_known else found.get(one.order_id)
                totals.add(one if figures is None else one.with_figures(figures))
        return cost_summary(totals)


def _filter(
    services: Services,
    *,
    exchange: str | None,
    symbol: str | None,
    side: Side | None,
    start_time: Moment | None,
    end_time: Moment | None,
) -> CostFilter:
    now = services.clock.now()
    start = None if start_time is None else resolve(start_time, now=now, field="start_time")
    end = None if end_time is None else resolve(end_time, now=now, field="end_time")
    if start is not None and end is not None and end < start:
        raise InvalidRequest("expected a time at or after start_time", field="end_time")
    return CostFilter(
        exchange=exchange,
        symbols=None if symbol is None else canonical_symbols(services.market, exchange, symbol),
        side=side,
        start=start,
        end=end,
    )
