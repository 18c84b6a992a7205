"""Preview an order: say what would happen if it were submitted now. Stores and publishes nothing.

In: requests, the user's orders of those token ids, the live books. Out: a ``Preview`` each: every rule it
breaks, the plan it would get, its expected cost against the books of this moment, and which exchange would
take it live.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from twap_models.enums import OrderStatus, SliceReason
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import ExchangeUnavailable, TwapError, UnknownSymbol
from twap_server.domain.exact import ZERO
from twap_server.domain.execution.impact_forecast import ImpactForecast
from twap_server.domain.go_live.answers import PairMinimums, Proposed
from twap_server.domain.go_live.check import GoLive, check
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.symbols import assets_of, kind_of
from twap_server.domain.orders.rules import Admitted
from twap_server.domain.orders.schedule import Schedule, schedule_of
from twap_server.domain.orders.strategies import Pov
from twap_server.domain.orders.terms import OrderRequest, Plan, Rejection, seed_of
from twap_server.domain.orders.trading_rules import TradingRules
from twap_server.engine.entry.acceptance import OrderAcceptance
from twap_server.engine.entry.allowance import Allowance, Allowances
from twap_server.engine.entry.comparison import (
    CurvePoint,
    StrategyView,
    choices_of,
    curve_of,
    forecast_of,
    view,
)
from twap_server.engine.entry.expected_cost import ExpectedCost, expected_cost
from twap_server.engine.entry.outlook import MarketOutlook
from twap_server.engine.entry.validation import TOO_MUCH_OPEN, Validation, duplicate, unavailable, used_up
from twap_server.engine.market.snapshot import MarketReader
from twap_server.engine.ports import Market, OrderStore

log = logging.getLogger(__name__)

_CLOSED = {
    SliceReason.NO_BOOK: "there is no live book of it",
    SliceReason.STALE_BOOK: "its book is stale",
    SliceReason.RESYNCING: "its book is resyncing",
    SliceReason.CROSSED_BOOK: "its book is crossed",
    SliceReason.NOT_TRADABLE: "the exchange does not trade it now",
    SliceReason.PRICES_DISAGREE: "the prices of its exchanges disagree: they may be different assets",
}
_NO_PLAN = "the order breaks rules, so there is no plan to price"
_REPEATED = "this very order is there already under its token_id: submitted again, it would be given again"


MOST_COMPARED = 5
"""Of several orders so many are shown beside other strategies: each may ask an exchange for its candles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of a request. Without ``plan`` there is no schedule, no cost, no go-live check."""

    request: OrderRequest
    time: Nanos
    rules: TradingRules | None
    broken: tuple[Rejection, ...]
    plan: Plan | None = None
    schedule: Schedule | None = None
    warnings: tuple[str, ...] = ()
    cost: ExpectedCost | None = None
    cost_reason: str = ""
    """Why there is no cost."""
    go_live: tuple[GoLive, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    strategies: tuple[StrategyView, ...] = ()
    """Side by side, where that was asked for."""
    forecast: ImpactForecast | None = None
    """Beside them; None where volume or volatility of the market are not known."""


class _Known(NamedTuple):
    """The order that has a token id already."""

    fingerprint: str
    was_rejected: bool


class Previewer:
    """Judges requests without recording anything. Runs beside the engine's turns: it never delays a slice."""

    def __init__(
        self,
        *,
        market: Market,
        market_reader: MarketReader,
        outlook: MarketOutlook,
        acceptance: OrderAcceptance,
        store: OrderStore,
        clock: Clock,
        allowances: Allowances,
    ) -> None:
        """Args: allowances: what each user has open, and may have."""
        self._market, self._market_reader, self._acceptance = market, market_reader, acceptance
        self._outlook = outlook
        self._store, self._allowances, self._clock = store, allowances, clock

    async def preview(
        self, user_id: str, requests: Sequence[OrderRequest], *, compare: bool = False
    ) -> list[Preview]:
        """Judge requests as if they were submitted now, one after another; others get their turn in between.

        Windows are judged by the time of receipt, costs by the books when each one's turn comes. With
        ``compare`` each that can be planned is shown beside other strategies.

        Raises:
            ExchangeUnavailable: nothing can be said of any of them: their exchanges' lists are not known yet.
            StoreUnavailable: whether a token id is taken cannot be seen.
        """
        requests = await self._outlook.seen(user_id, requests)
        received = self._clock.now()
        stored = await self._store.find(user_id, [request.token_id for request in requests])
        known = {
            token_id: _Known(order.terms.fingerprint, order.status is OrderStatus.REJECTED)
            for token_id, order in stored.items()
        }
        allowance = self._allowances.of(user_id)
        found: list[Preview] = []
        failures: list[Exception] = []
        for request in requests:
            try:
                made = self._accept(
                    user_id,
                    request,
                    known=known.get(request.token_id),
                    allowance=allowance,
                    received=received,
                )
            except Exception as error:
                failures.append(error)
                found.append(_not_judged(request, error, self._clock.now()))
                continue
            if request.token_id not in known:
                known[request.token_id] = _Known(request.fingerprint, bool(made.broken))
                if not made.broken and made.plan is not None:
                    allowance.take(made.plan)
            if compare and made.plan is not None and len(found) < MOST_COMPARED:
                made = await self._compared(user_id, made, made.plan)
            found.append(made)
            await self._clock.sleep(0)
        if len(failures) == len(requests):
            raise failures[0]
        return found

    def _accept(
        self,
        user_id: str,
        request: OrderRequest,
        *,
        known: _Known | None,
        allowance: Allowance,
        received: Nanos,
    ) -> Preview:
        now = self._clock.now()
        repeats = known is not None and known.fingerprint == request.fingerprint
        validation = self._acceptance.examine(
            request,
            snapshot=self._market_reader.snapshot(now),
            received=received,
            allowance=None if repeats else allowance,
        )
        broken = _all(validation)
        admitted = validation.admitted() if _plannable(broken, validation.rules) else None
        if known is not None and (known.was_rejected or not repeats):
            broken.insert(0, used_up(request) if repeats else duplicate(request))
        blank = Preview(
            request=request,
            time=now,
            rules=validation.rules,
            broken=tuple(broken),
            warnings=(*(admitted.plan.warnings if admitted else ()), *((_REPEATED,) if repeats else ())),
            cost_reason=_NO_PLAN,
        )
        if admitted is None or validation.rules is None:
            return blank
        return self._planned(user_id, blank, validation.rules, admitted)

    def _planned(self, user_id: str, blank: Preview, rules: TradingRules, admitted: Admitted) -> Preview:
        request, plan = blank.request, admitted.plan
        schedule = schedule_of(
            plan,
            lot_size=rules.lot_size,
            randomize=request.randomize,
            seed=seed_of(user_id, request.token_id),
        )
        quotes = self._market_reader.quotes(rules.destinations, blank.time, limited=plan.limit is not None)
        cost = expected_cost(request, schedule, quotes, limit=plan.limit, elapsed=admitted.elapsed)
        return Preview(
            request=request,
            time=blank.time,
            rules=rules,
            broken=blank.broken,
            plan=plan,
            schedule=schedule,
            warnings=blank.warnings,
            cost=cost,
            cost_reason="" if cost else _CLOSED[quotes.closed or SliceReason.NO_BOOK],
            curve=curve_of(schedule),
            go_live=self._go_live(request, plan, rules, mid=quotes.mid, now=blank.time),
        )

    async def _compared(self, user_id: str, made: Preview, plan: Plan) -> Preview:
        """With the strategies side by side, all on the books of one moment."""
        request = replace(made.request, facts=await self._outlook.facts(made.request))
        now = self._clock.now()
        snapshot = self._market_reader.snapshot(now)
        found: list[StrategyView] = []
        for choice in choices_of(request):
            other = replace(request, strategy=choice)
            validation = self._acceptance.examine(other, snapshot=snapshot, received=now, allowance=None)
            found.append(view(user_id, other, validation, snapshot))
            await self._clock.sleep(0)
        return replace(made, strategies=tuple(found), forecast=forecast_of(request, plan))

    def _go_live(
        self, request: OrderRequest, plan: Plan, rules: TradingRules, *, mid: Decimal | None, now: Nanos
    ) -> tuple[GoLive, ...]:
        order = Proposed(
            quantity=plan.quantity,
            quote=assets_of(rules.symbol)[1],
            lot_size=rules.lot_size,
            price=mid if mid is not None else plan.limit,
            limit=plan.limit,
            duration=plan.end - plan.start,
            interval=plan.interval,
            ends_in=max(0, plan.end - now),
            randomize=request.randomize,
            strategy=request.strategy.name,
            participation=request.strategy.participation if isinstance(request.strategy, Pov) else ZERO,
        )
        pairs = {one.id.exchange: _minimums(one) for one in self._listed(rules.symbol) if not one.fault}
        return check(order, pairs, kind_of(rules.symbol))

    def _listed(self, symbol: str) -> Sequence[Instrument]:
        with suppress(UnknownSymbol, ExchangeUnavailable):
            return self._market.find_everywhere(symbol)
        return ()


def _not_judged(request: OrderRequest, error: Exception, now: Nanos) -> Preview:
    """One of several of which nothing can be said: it costs the others nothing."""
    if not isinstance(error, TwapError):
        log.error("an order could not be previewed", exc_info=error)
    return Preview(request=request, time=now, rules=None, broken=(unavailable(error),), cost_reason=_NO_PLAN)


def _all(validation: Validation) -> list[Rejection]:
    """Every broken rule; those before the exchange are told even while its instruments are not known."""
    found: list[Rejection] = []
    try:
        for rejection in validation.broken():
            found.append(rejection)
    except ExchangeUnavailable:
        if not found:
            raise
    return found


def _plannable(broken: Sequence[Rejection], rules: TradingRules | None) -> bool:
    """Whether what is broken leaves the plan as it would be: only what the user has open does."""
    others = [one for one in broken if one.reason not in TOO_MUCH_OPEN]
    return rules is not None and not others


def _minimums(one: Instrument) -> PairMinimums:
    return PairMinimums(quantity=one.min_quantity, value=one.min_notional)
