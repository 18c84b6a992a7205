"""Judge a submission: new, repeat or conflict; accepted or rejected. Decides only; the engine records."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from twap_models.enums import OrderStatus, RejectReason, SliceReason
from twap_server.domain.admission import Admitted, Limits, admit, check_window
from twap_server.domain.clock import Nanos, to_span
from twap_server.domain.errors import UnknownExchange, UnknownSymbol
from twap_server.domain.exact import ZERO
from twap_server.domain.grid import Grid, grid_of
from twap_server.domain.instrument import InstrumentId
from twap_server.domain.order import Order, OrderProgress, SliceResult
from twap_server.domain.terms import AGGREGATE, OrderRequest, OrderTerms, Plan, Rejection
from twap_server.engine.config import EngineConfig
from twap_server.engine.decision import lost
from twap_server.engine.ports import Market
from twap_server.engine.quotes import Sight
from twap_server.engine.verdict import Verdict, VerdictKind

_USED_UP = "; this token_id is used up: send the corrected order under a new one"


class Admission:
    """Turns requests into orders."""

    def __init__(self, *, market: Market, sight: Sight, limits: Limits, new_id: Callable[[], str]) -> None:
        """Args: limits: bounds of one order; new_id gives a fresh order id."""
        self._market, self._sight, self._limits, self._new_id = market, sight, limits, new_id

    def judge(
        self, user_id: str, request: OrderRequest, *, known: Order | None, now: Nanos, room: int
    ) -> tuple[Verdict, tuple[SliceResult, ...]]:
        """Judge one request; the slices are those that had already elapsed.

        Args:
            user_id: who asks.
            request: what is asked.
            known: the user's order with that token id, if there is one.
            now: time of receipt.
            room: how many more orders the user may have open.

        Raises:
            ExchangeUnavailable: the exchange's instruments are not known yet, so nothing can be said.
        """
        if known is not None:
            return self._recognise(user_id, request, known, now), ()
        order, slices = self._decide(user_id, request, now, room)
        return Verdict(order=order, kind=VerdictKind.NEW), slices

    def _recognise(self, user_id: str, request: OrderRequest, known: Order, now: Nanos) -> Verdict:
        if known.terms.fingerprint == request.fingerprint:
            return Verdict(order=known, kind=VerdictKind.REPEAT)
        rejection = Rejection(
            reason=RejectReason.DUPLICATE_TOKEN_ID,
            detail=f"token_id {request.token_id!r} already names another order of yours: choose a new one",
        )
        return Verdict(
            order=self._rejected(user_id, request, None, rejection, now), kind=VerdictKind.CONFLICT
        )

    def _decide(
        self, user_id: str, request: OrderRequest, now: Nanos, room: int
    ) -> tuple[Order, tuple[SliceResult, ...]]:
        grid: Grid | None = None
        verdict: Admitted | Rejection | None = check_window(request, now=now, limits=self._limits)
        if verdict is None:
            found = self._find(request)
            grid = found if isinstance(found, Grid) else None
            verdict = found if isinstance(found, Rejection) else None
        if verdict is None and room <= 0:
            verdict = Rejection(
                reason=RejectReason.TOO_MANY_OPEN_ORDERS,
                detail="you have too many open orders: cancel one or wait",
            )
        if verdict is None and grid is not None:
            mid = self._sight.quotes(grid.legs, now).mid
            verdict = admit(request, grid, now=now, limits=self._limits, reference=mid)
            if isinstance(verdict, Admitted):
                return self._accepted(user_id, request, grid, verdict, mid=mid, now=now)
        assert isinstance(verdict, Rejection)
        return self._rejected(user_id, request, grid, verdict, now), ()

    def _find(self, request: OrderRequest) -> Grid | Rejection:
        try:
            if request.exchange == AGGREGATE:
                found = self._market.find_everywhere(request.symbol)
            else:
                found = [self._market.find_instrument(request.exchange, request.symbol)]
        except UnknownExchange as error:
            return Rejection(reason=RejectReason.UNKNOWN_EXCHANGE, detail=f"exchange: {error}")
        except UnknownSymbol as error:
            return Rejection(reason=RejectReason.UNKNOWN_SYMBOL, detail=f"symbol: {error}")
        fees = {one.id.exchange: self._market.taker_fee(one.id.exchange) for one in found}
        return grid_of(found, fees, exchange=request.exchange)

    def _accepted(
        self,
        user_id: str,
        request: OrderRequest,
        grid: Grid,
        admitted: Admitted,
        *,
        mid: Decimal | None,
        now: Nanos,
    ) -> tuple[Order, tuple[SliceResult, ...]]:
        terms = replace(
            self._terms(user_id, request, grid, now), start=admitted.plan.start, decision_price=mid
        )
        progress = OrderProgress(status=OrderStatus.ACCEPTED, next_slice=admitted.elapsed)
        order = Order(terms=terms, plan=admitted.plan, progress=progress)
        elapsed = (
            lost(order, index, SliceReason.ELAPSED, now=now).result for index in range(admitted.elapsed)
        )
        return order, tuple(elapsed)

    def _rejected(
        self, user_id: str, request: OrderRequest, grid: Grid | None, why: Rejection, now: Nanos
    ) -> Order:
        stored = why.reason is not RejectReason.DUPLICATE_TOKEN_ID
        terms = self._terms(user_id, request, grid, now)
        plan = Plan(
            quantity=request.quantity,
            limit=request.limit,
            start=terms.start,
            end=request.end,
            interval=request.interval or 0,
            slice_count=0,
        )
        progress = OrderProgress(
            status=OrderStatus.REJECTED,
            reason=why.reason.value,
            detail=why.detail + (_USED_UP if stored else ""),
            ended=now,
        )
        return Order(terms=terms, plan=plan, progress=progress)

    def _terms(self, user_id: str, request: OrderRequest, grid: Grid | None, now: Nanos) -> OrderTerms:
        return OrderTerms(
            order_id=self._new_id(),
            user_id=user_id,
            token_id=request.token_id,
            fingerprint=request.fingerprint,
            exchange=request.exchange,
            symbol=request.symbol,
            instrument=None if grid is None else InstrumentId(request.exchange, grid.symbol),
            legs=() if grid is None else grid.legs,
            side=request.side,
            created=now,
            start=request.start if request.start is not None else now,
            carry=request.carry,
            max_slippage_bps=request.max_slippage_bps,
            fidelity=request.fidelity,
            randomize=request.randomize,
            participation_cap=request.participation_cap,
            tick_size=ZERO if grid is None else grid.tick_size,
            lot_size=ZERO if grid is None else grid.lot_size,
        )


def limits_of(config: EngineConfig) -> Limits:
    """The bounds of one order that the settings state."""
    return Limits(
        max_slices=config.max_slices,
        min_interval=to_span(config.min_interval),
        max_duration=to_span(config.max_duration),
    )
