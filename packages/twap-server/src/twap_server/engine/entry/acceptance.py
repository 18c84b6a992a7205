"""Decide a submission: new, repeat or conflict; accepted or rejected. The engine records it."""

from collections.abc import Callable
from decimal import Decimal

from twap_models.enums import OrderStatus, RejectReason
from twap_server.domain.clock import Nanos, to_span
from twap_server.domain.errors import EngineBusy
from twap_server.domain.exact import ZERO
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Order, OrderProgress
from twap_server.domain.orders.rules import OrderLimits
from twap_server.domain.orders.terms import OrderRequest, OrderTerms, Plan, Rejection
from twap_server.domain.orders.trading_rules import TradingRules
from twap_server.engine.config import EngineConfig
from twap_server.engine.entry.allowance import Allowance
from twap_server.engine.entry.expected_cost import forecast_bps
from twap_server.engine.entry.instruments import RulesCache
from twap_server.engine.entry.results import SubmitResult, SubmitResultKind
from twap_server.engine.entry.validation import Validation, duplicate, unavailable
from twap_server.engine.market.snapshot import MarketSnapshot
from twap_server.engine.ports import Market

_NOT_STORED = (RejectReason.DUPLICATE_TOKEN_ID, RejectReason.UNAVAILABLE)
_USED_UP = "; this token_id is used up: send the corrected order under a new one"


class OrderAcceptance:
    """Turns requests into orders."""

    def __init__(
        self, *, market: Market, limits: OrderLimits, new_id: Callable[[], str], has_users: bool = True
    ) -> None:
        """Take up work.

        Args:
            market: the exchanges' lists.
            limits: bounds of one order.
            new_id: gives a fresh order id.
            has_users: who are told what to do about the token id of a rejected order.
        """
        self._limits, self._new_id = limits, new_id
        self._used_up = _USED_UP if has_users else ""
        self._listings = RulesCache(market)

    def accept(
        self,
        user_id: str,
        request: OrderRequest,
        *,
        known: Order | None,
        snapshot: MarketSnapshot,
        received: Nanos,
        now: Nanos,
        allowance: Allowance,
    ) -> SubmitResult:
        """Judge one request.

        Args:
            user_id: who asks.
            request: what is asked.
            known: the user's order with that token id, if there is one.
            snapshot: the books now.
            received: when the request came: its window is judged by that, however long it waited.
            now: when it is judged.
            allowance: what the user has open.

        Raises:
            EngineBusy: it came in time and waited until its window was over; it is not to be stored.
            ExchangeUnavailable: the exchange's instruments are not known yet, so nothing can be said.
        """
        if known is not None:
            return self._recognise(user_id, request, known, now)
        order = self._decide(user_id, request, snapshot, allowance, received=received, now=now)
        if order.status.is_open and order.plan.end <= now:
            raise EngineBusy("the server was too busy to take the order up before its end", retry_after=1)
        return SubmitResult(order=order, kind=SubmitResultKind.NEW)

    def not_judged(
        self, user_id: str, request: OrderRequest, error: Exception, *, now: Nanos
    ) -> SubmitResult:
        """Nothing can be said of one of several requests: it is not stored, and costs the others nothing."""
        order = self._rejected(user_id, request, None, unavailable(error), now)
        return SubmitResult(order=order, kind=SubmitResultKind.UNAVAILABLE)

    def _recognise(self, user_id: str, request: OrderRequest, known: Order, now: Nanos) -> SubmitResult:
        if known.terms.fingerprint == request.fingerprint:
            return SubmitResult(order=known, kind=SubmitResultKind.REPEAT)
        return SubmitResult(
            order=self._rejected(user_id, request, None, duplicate(request), now),
            kind=SubmitResultKind.CONFLICT,
        )

    def _decide(
        self,
        user_id: str,
        request: OrderRequest,
        snapshot: MarketSnapshot,
        allowance: Allowance,
        *,
        received: Nanos,
        now: Nanos,
    ) -> Order:
        validation = self.examine(request, snapshot=snapshot, received=received, allowance=allowance)
        rejection = next(validation.broken(), None)
        rules = validation.rules
        if rejection is not None or rules is None:
            assert rejection is not None, "without an instrument a rule is broken"
            return self._rejected(user_id, request, rules, rejection, now, received=received)
        return self._accepted(user_id, request, rules, validation, snapshot=snapshot, created=received)

    def examine(
        self, request: OrderRequest, *, snapshot: MarketSnapshot, received: Nanos, allowance: Allowance | None
    ) -> Validation:
        """The request against every rule."""
        return Validation(
            request,
            listings=self._listings,
            snapshot=snapshot,
            limits=self._limits,
            received=received,
            allowance=allowance,
        )

    def _accepted(
        self,
        user_id: str,
        request: OrderRequest,
        rules: TradingRules,
        validation: Validation,
        *,
        snapshot: MarketSnapshot,
        created: Nanos,
    ) -> Order:
        """With what it is expected to cost, by the books that it was judged by: nothing is waited for."""
        admitted, plan = validation.admitted(), validation.admitted().plan
        quotes = snapshot.quotes(rules.destinations, limited=plan.limit is not None)
        forecast = forecast_bps(
            request,
            plan,
            quotes,
            lot_size=rules.lot_size,
            elapsed=admitted.elapsed,
            budget=snapshot.forecasts,
        )
        terms = self._terms(
            user_id, request, rules, created, start=plan.start, mid=validation.mid, forecast=forecast
        )
        return Order(terms=terms, plan=plan, progress=OrderProgress(status=OrderStatus.ACCEPTED))

    def _rejected(
        self,
        user_id: str,
        request: OrderRequest,
        rules: TradingRules | None,
        why: Rejection,
        now: Nanos,
        *,
        received: Nanos | None = None,
    ) -> Order:
        """It ends when it is decided, like its event; it was created when it came."""
        stored = why.reason not in _NOT_STORED
        created = now if received is None else received
        start = request.start if request.start is not None else created
        terms = self._terms(user_id, request, rules, created, start=start)
        plan = Plan(
            quantity=request.quantity,
            limit=request.limit,
            start=start,
            end=request.end,
            interval=request.interval or 0,
            slice_count=0,
        )
        progress = OrderProgress(
            status=OrderStatus.REJECTED,
            reason=why.reason.value,
            detail=why.detail + (self._used_up if stored else ""),
            ended=now,
        )
        return Order(terms=terms, plan=plan, progress=progress)

    def _terms(
        self,
        user_id: str,
        request: OrderRequest,
        rules: TradingRules | None,
        created: Nanos,
        *,
        start: Nanos,
        mid: Decimal | None = None,
        forecast: Decimal | None = None,
    ) -> OrderTerms:
        return OrderTerms(
            order_id=request.order_id or self._new_id(),
            user_id=user_id,
            token_id=request.token_id,
            fingerprint=request.fingerprint,
            exchange=request.exchange,
            symbol=request.symbol,
            instrument=None if rules is None else InstrumentId(request.exchange, rules.symbol),
            destinations=() if rules is None else rules.destinations,
            side=request.side,
            created=created,
            start=start,
            carry=request.carry,
            max_slippage_bps=request.max_slippage_bps,
            fidelity=request.fidelity,
            randomize=request.randomize,
            participation_cap=request.participation_cap,
            realism=request.simulated,
            strategy=request.strategy,
            lot_size=ZERO if rules is None else rules.lot_size,
            decision_price=mid,
            forecast_bps=forecast,
        )


def limits_of(config: EngineConfig) -> OrderLimits:
    """The bounds of one order that the settings state."""
    return OrderLimits(
        max_slices=config.max_slices,
        min_interval=to_span(config.min_interval),
        max_duration=to_span(config.max_duration),
    )
