"""Check one request against every rule, in the order users see them: for submissions and previews.

In: a request, the time of its receipt, what the user has open. Out: the broken rules, one by one; a
submission reads the first, a preview all. What was found on the way (instrument, mid) stays for the caller.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from twap_models.enums import LateStart, RejectReason
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import (
    CurveUnavailable,
    ExchangeUnavailable,
    TwapError,
    UnknownExchange,
    UnknownSymbol,
)
from twap_server.domain.orders.rules import (
    Admitted,
    Fitted,
    OrderLimits,
    broken_terms,
    broken_window,
    normalised,
    plan_of,
    unusable,
)
from twap_server.domain.orders.slice_rate import too_fast
from twap_server.domain.orders.strategies import CannotDraw, CurveWindow, draw, needs_book
from twap_server.domain.orders.terms import OrderRequest, Plan, Rejection
from twap_server.domain.orders.trading_rules import TradingRules
from twap_server.engine.entry.allowance import Allowance
from twap_server.engine.entry.expected_cost import book_facts
from twap_server.engine.entry.instruments import RulesCache
from twap_server.engine.market.snapshot import MarketSnapshot

TOO_MUCH_OPEN = (RejectReason.TOO_MANY_OPEN_ORDERS, RejectReason.TOO_MANY_SLICES_PER_SECOND)
"""Rules about what else the user has open: the order's own plan is as it would be."""


class Validation:
    """One request at one moment."""

    def __init__(
        self,
        request: OrderRequest,
        *,
        listings: RulesCache,
        snapshot: MarketSnapshot,
        limits: OrderLimits,
        received: Nanos,
        allowance: Allowance | None,
    ) -> None:
        """Begin with what is known.

        Args:
            request: what is asked.
            listings: of the exchanges.
            snapshot: the books now.
            limits: bounds of one order.
            received: when the request came.
            allowance: what its user has open; None where the order itself is among that.
        """
        self._request, self._listings, self._snapshot, self._limits = request, listings, snapshot, limits
        self._now, self._allowance = received, allowance
        self.rules: TradingRules | None = None
        """Of what the symbol names, once it was looked up."""
        self._fit: Fitted | None = None
        self._admitted: Admitted | None = None
        self.mid: Decimal | None = None
        """Of the live books at this moment, once they were looked at."""

    def broken(self) -> Iterator[Rejection]:
        """Every broken rule; lazy, so that a caller who stops at the first looks no further.

        Raises:
            ExchangeUnavailable: the exchange's instruments are not known yet, or something else that the
                order's curve needs, so no more can be said.
        """
        has_plan = True
        for rejection in self._broken_rules():
            has_plan = has_plan and rejection.reason in TOO_MUCH_OPEN
            yield rejection
        if has_plan and (wrong := self._cannot_draw()) is not None:
            has_plan = False
            yield wrong
        if has_plan and (too_much := self._too_fast()) is not None:
            yield too_much

    def _cannot_draw(self) -> Rejection | None:
        try:
            self.admitted()
        except CannotDraw as error:
            return Rejection(reason=RejectReason.INVALID_OPTION, field=error.field, detail=str(error))
        return None

    def _too_fast(self) -> Rejection | None:
        if self._allowance is None:
            return None
        return too_fast(
            self._request, self.admitted().plan, used=self._allowance.pace, most=self._allowance.most_pace
        )

    def _broken_rules(self) -> Iterator[Rejection]:
        """Those that need no plan."""
        yield from broken_window(self._request, now=self._now, limits=self._limits)
        found = self._find()
        if isinstance(found, Rejection):
            yield found
        if self._allowance is not None and self._allowance.is_full:
            yield Rejection(
                reason=RejectReason.TOO_MANY_OPEN_ORDERS,
                field="token_id",
                detail="you have too many open orders: cancel one or wait",
            )
        if isinstance(found, TradingRules) and found.fault:
            self.rules = found
            yield unusable(self._request, found)
        elif isinstance(found, TradingRules):
            quotes = self._snapshot.quotes(found.destinations)
            if quotes.odd:
                found = replace(found, notices=(*found.notices, *self._snapshot.notices(quotes)))
            self.rules, self.mid = found, quotes.mid
            self._fit = normalised(self._request, found, reference=self.mid)
            yield from broken_terms(self._request, found, self._fit, now=self._now, limits=self._limits)

    def admitted(self) -> Admitted:
        """The plan; only where no rule of window and terms is broken.

        Raises:
            CurveUnavailable: what its curve needs is not known now.
            CannotDraw: a parameter is wrong; as a broken rule it is told before.
        """
        assert self.rules is not None, "the rules come first"
        assert self._fit is not None
        if self._admitted is None:
            self._admitted = self._planned(self.rules, self._fit)
        return self._admitted

    def _planned(self, rules: TradingRules, fit: Fitted) -> Admitted:
        try:
            return plan_of(self._request, rules, fit, now=self._now, draw=self._drawn)
        except CannotDraw as error:
            if error.is_wrong:
                raise
            raise CurveUnavailable(str(error), field=error.field) from error

    def _drawn(self, plan: Plan) -> Plan:
        """The plan with the curve that its strategy draws now."""
        request, rules = self._request, self.rules
        assert rules is not None
        window = CurveWindow(
            start=plan.start,
            end=plan.end,
            interval=plan.interval,
            asked_start=_asked_start(request, plan),
            quantity=plan.quantity,
        )
        book = None
        if needs_book(request.strategy):
            quotes = self._snapshot.quotes(rules.destinations, limited=plan.limit is not None)
            book = book_facts(quotes, request.side, window)
        curve, notice = draw(request.strategy, window, request.facts, book), request.facts.notice
        return replace(plan, curve=curve, warnings=(*plan.warnings, *([notice] if notice else [])))

    def _find(self) -> TradingRules | Rejection:
        try:
            return self._listings.rules(
                self._request.exchange, self._request.symbol, self._request.simulated.fees
            )
        except UnknownExchange as error:
            return Rejection(
                reason=RejectReason.UNKNOWN_EXCHANGE, field="exchange", detail=f"exchange: {error}"
            )
        except UnknownSymbol as error:
            return Rejection(reason=RejectReason.UNKNOWN_SYMBOL, field="symbol", detail=f"symbol: {error}")


def _asked_start(request: OrderRequest, plan: Plan) -> Nanos:
    """When the window began that was asked for: a late start shortens it, or moves it as a whole."""
    if request.start is None or request.late_start is LateStart.SHIFT:
        return plan.start
    return min(plan.start, request.start)


def used_up(request: OrderRequest) -> Rejection:
    """The token id belongs to this very order, which was rejected."""
    return Rejection(
        reason=RejectReason.DUPLICATE_TOKEN_ID,
        field="token_id",
        detail=f"token_id {request.token_id!r} is used up by this order, which was rejected: choose another",
    )


def duplicate(request: OrderRequest) -> Rejection:
    """The token id belongs to another order of the user."""
    return Rejection(
        reason=RejectReason.DUPLICATE_TOKEN_ID,
        field="token_id",
        detail=f"token_id {request.token_id!r} already names another order of yours: choose a new one",
    )


def _field_of(error: Exception) -> str:
    """What to change, if anything: else who cannot be asked."""
    if isinstance(error, CurveUnavailable):
        return error.field
    return "exchange" if isinstance(error, ExchangeUnavailable) else "token_id"


def unavailable(error: Exception) -> Rejection:
    """Nothing can be said of a request now; only what is known to be safe is told of the error."""
    why = str(error) if isinstance(error, TwapError) else "a fault of this server, its log says more"
    return Rejection(
        reason=RejectReason.UNAVAILABLE,
        field=_field_of(error),
        detail=f"it cannot be judged now: {why}; nothing was stored, send it again under the same token_id",
    )
