"""Judge a submission: new, repeat or conflict; accepted or rejected. Decides only; the engine records."""

from collections.abc import Callable
from decimal import Decimal

from twap_models.enums import OrderStatus, RejectReason
from twap_server.domain.clock import Nanos, to_span
from twap_server.domain.errors import EngineBusy
from twap_server.domain.exact import ZERO
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Order, OrderProgress
from twap_server.domain.orders.rules import Admitted, Limits
from twap_server.domain.orders.terms import OrderRequest, OrderTerms, Plan, Rejection
from twap_server.domain.orders.trading_rules import Grid
from twap_server.engine.config import EngineConfig
from twap_server.engine.entry.allowance import Room
from twap_server.engine.entry.instruments import Listings
from twap_server.engine.entry.results import Verdict, VerdictKind
from twap_server.engine.entry.validation import Examination, duplicate, unavailable
from twap_server.engine.market.snapshot import Glance
from twap_server.engine.ports import Market

_NOT_STORED = (RejectReason.DUPLICATE_TOKEN_ID, RejectReason.UNAVAILABLE)
_USED_UP = "; this token_id is used up: send the corrected order under a new one"


class Admission:
    """Turns requests into orders."""

    def __init__(self, *, market: Market, limits: Limits, new_id: Callable[[], str]) -> None:
        """Args: limits: bounds of one order; new_id gives a fresh order id."""
        self._limits, self._new_id = limits, new_id
        self._listings = Listings(market)

    def judge(
        self,
        user_id: str,
        request: OrderRequest,
        *,
        known: Order | None,
        glance: Glance,
        received: Nanos,
        now: Nanos,
        room: Room,
    ) -> Verdict:
        """Judge one request.

        Args:
            user_id: who asks.
            request: what is asked.
            known: the user's order with that token id, if there is one.
            glance: the books now.
            received: when the request came: its window is judged by that, however long it waited.
            now: when it is judged.
            room: what the user has open.

        Raises:
            EngineBusy: it came in time and waited until its window was over; it is not to be stored.
            ExchangeUnavailable: the exchange's instruments are not known yet, so nothing can be said.
        """
        if known is not None:
            return self._recognise(user_id, request, known, now)
        order = self._decide(user_id, request, glance, received, room)
        if order.status.is_open and order.plan.end <= now:
            raise EngineBusy("the server was too busy to take the order up before its end", retry_after=1)
        return Verdict(order=order, kind=VerdictKind.NEW)

    def not_judged(self, user_id: str, request: OrderRequest, error: Exception, *, now: Nanos) -> Verdict:
        """Nothing can be said of one of several requests: it is not stored, and costs the others nothing."""
        order = self._rejected(user_id, request, None, unavailable(error), now)
        return Verdict(order=order, kind=VerdictKind.UNAVAILABLE)

    def _recognise(self, user_id: str, request: OrderRequest, known: Order, now: Nanos) -> Verdict:
        if known.terms.fingerprint == request.fingerprint:
            return Verdict(order=known, kind=VerdictKind.REPEAT)
        return Verdict(
            order=self._rejected(user_id, request, None, duplicate(request), now), kind=VerdictKind.CONFLICT
        )

    def _decide(self, user_id: str, request: OrderRequest, glance: Glance, now: Nanos, room: Room) -> Order:
        examination = self.examine(request, glance=glance, received=now, room=room)
        rejection = next(examination.broken(), None)
        grid = examination.grid
        if rejection is not None or grid is None:
            assert rejection is not None, "without an instrument a rule is broken"
            return self._rejected(user_id, request, grid, rejection, now)
        return self._accepted(user_id, request, grid, examination.admitted(), mid=examination.mid, now=now)

    def examine(
        self, request: OrderRequest, *, glance: Glance, received: Nanos, room: Room | None
    ) -> Examination:
        """The request against every rule."""
        return Examination(
            request, listings=self._listings, glance=glance, limits=self._limits, received=received, room=room
        )

    def _accepted(
        self,
        user_id: str,
        request: OrderRequest,
        grid: Grid,
        admitted: Admitted,
        *,
        mid: Decimal | None,
        now: Nanos,
    ) -> Order:
        terms = self._terms(user_id, request, grid, now, start=admitted.plan.start, mid=mid)
        return Order(terms=terms, plan=admitted.plan, progress=OrderProgress(status=OrderStatus.ACCEPTED))

    def _rejected(
        self, user_id: str, request: OrderRequest, grid: Grid | None, why: Rejection, now: Nanos
    ) -> Order:
        stored = why.reason not in _NOT_STORED
        start = request.start if request.start is not None else now
        terms = self._terms(user_id, request, grid, now, start=start)
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
            detail=why.detail + (_USED_UP if stored else ""),
            ended=now,
        )
        return Order(terms=terms, plan=plan, progress=progress)

    def _terms(
        self,
        user_id: str,
        request: OrderRequest,
        grid: Grid | None,
        now: Nanos,
        *,
        start: Nanos,
        mid: Decimal | None = None,
    ) -> OrderTerms:
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
            start=start,
            carry=request.carry,
            max_slippage_bps=request.max_slippage_bps,
            fidelity=request.fidelity,
            randomize=request.randomize,
            participation_cap=request.participation_cap,
            tick_size=ZERO if grid is None else grid.tick_size,
            lot_size=ZERO if grid is None else grid.lot_size,
            decision_price=mid,
        )


def limits_of(config: EngineConfig) -> Limits:
    """The bounds of one order that the settings state."""
    return Limits(
        max_slices=config.max_slices,
        min_interval=to_span(config.min_interval),
        max_duration=to_span(config.max_duration),
    )
