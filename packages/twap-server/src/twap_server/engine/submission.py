"""Judge a submission: new, repeat or conflict; accepted or rejected. Decides only; the engine records."""

from collections.abc import Callable
from decimal import Decimal

from twap_models.enums import OrderStatus, RejectReason, SliceReason
from twap_server.domain.admission import Limits, Plan, admit, check_window
from twap_server.domain.clock import Nanos, to_span
from twap_server.domain.errors import UnknownExchange, UnknownSymbol
from twap_server.domain.exact import ZERO, midpoint
from twap_server.domain.instrument import Instrument
from twap_server.domain.market import BookStatus
from twap_server.domain.order import Order, OrderProgress, OrderRequest, OrderTerms, Rejection, SliceResult
from twap_server.engine.config import EngineConfig
from twap_server.engine.decision import lost
from twap_server.engine.ports import Market
from twap_server.engine.verdict import Verdict, VerdictKind

_AGGREGATE = "aggregate"
_USED_UP = "; this token_id is used up: send the corrected order under a new one"


class Admission:
    """Turns requests into orders."""

    def __init__(self, *, market: Market, config: EngineConfig, new_id: Callable[[], str]) -> None:
        """Args: new_id gives a fresh order id."""
        self._market, self._new_id = market, new_id
        self._limits = Limits(
            max_slices=config.max_slices,
            min_interval=to_span(config.min_interval),
            max_duration=to_span(config.max_duration),
        )

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
        instrument: Instrument | None = None
        verdict: Plan | Rejection | None = check_window(request, now=now, limits=self._limits)
        if verdict is None:
            found = self._find(request)
            instrument = found if isinstance(found, Instrument) else None
            verdict = found if isinstance(found, Rejection) else None
        if verdict is None and room <= 0:
            verdict = Rejection(
                reason=RejectReason.TOO_MANY_OPEN_ORDERS,
                detail="you have too many open orders: cancel one or wait",
            )
        if verdict is None and instrument is not None:
            mid = self._mid(instrument)
            verdict = admit(request, instrument, now=now, limits=self._limits, reference=mid)
            if isinstance(verdict, Plan):
                return self._accepted(user_id, request, instrument, verdict, mid=mid, now=now)
        assert isinstance(verdict, Rejection)
        return self._rejected(user_id, request, instrument, verdict, now), ()

    def _find(self, request: OrderRequest) -> Instrument | Rejection:
        if request.exchange == _AGGREGATE:
            return Rejection(
                reason=RejectReason.UNKNOWN_EXCHANGE,
                detail="exchange: orders over all exchanges are not available yet: name one exchange",
            )
        try:
            return self._market.find_instrument(request.exchange, request.symbol)
        except UnknownExchange as error:
            return Rejection(reason=RejectReason.UNKNOWN_EXCHANGE, detail=f"exchange: {error}")
        except UnknownSymbol as error:
            return Rejection(reason=RejectReason.UNKNOWN_SYMBOL, detail=f"symbol: {error}")

    def _mid(self, instrument: Instrument) -> Decimal | None:
        live = self._market.live_book(instrument.id)
        if live is None or live.status is not BookStatus.LIVE:
            return None
        bid, ask = live.book.best_bid(), live.book.best_ask()
        return midpoint(bid.price, ask.price) if bid is not None and ask is not None else None

    def _accepted(
        self,
        user_id: str,
        request: OrderRequest,
        instrument: Instrument,
        plan: Plan,
        *,
        mid: Decimal | None,
        now: Nanos,
    ) -> tuple[Order, tuple[SliceResult, ...]]:
        terms = OrderTerms(
            order_id=self._new_id(),
            user_id=user_id,
            token_id=request.token_id,
            fingerprint=request.fingerprint,
            exchange=request.exchange,
            symbol=request.symbol,
            instrument=instrument.id,
            side=request.side,
            quantity=plan.quantity,
            limit=plan.limit,
            created=now,
            start=plan.start,
            end=plan.end,
            interval=plan.interval,
            slice_count=plan.slice_count,
            carry=request.carry,
            max_slippage_bps=request.max_slippage_bps,
            fidelity=request.fidelity,
            lot_size=instrument.lot_size,
            min_quantity=instrument.min_quantity,
            min_notional=instrument.min_notional,
            warnings=plan.warnings,
            arrival_price=mid,
        )
        progress = OrderProgress(status=OrderStatus.ACCEPTED, next_slice=plan.first_slice)
        order = Order(terms=terms, progress=progress)
        elapsed = (
            lost(order, index, SliceReason.ELAPSED, now=now).result for index in range(plan.first_slice)
        )
        return order, tuple(elapsed)

    def _rejected(
        self, user_id: str, request: OrderRequest, instrument: Instrument | None, why: Rejection, now: Nanos
    ) -> Order:
        stored = why.reason is not RejectReason.DUPLICATE_TOKEN_ID
        terms = OrderTerms(
            order_id=self._new_id(),
            user_id=user_id,
            token_id=request.token_id,
            fingerprint=request.fingerprint,
            exchange=request.exchange,
            symbol=request.symbol,
            instrument=instrument.id if instrument is not None else None,
            side=request.side,
            quantity=request.quantity,
            limit=request.limit,
            created=now,
            start=request.start if request.start is not None else now,
            end=request.end,
            interval=request.interval or 0,
            slice_count=0,
            carry=request.carry,
            max_slippage_bps=request.max_slippage_bps,
            fidelity=request.fidelity,
            lot_size=ZERO,
            min_quantity=ZERO,
            min_notional=ZERO,
        )
        progress = OrderProgress(
            status=OrderStatus.REJECTED,
            reason=why.reason.value,
            detail=why.detail + (_USED_UP if stored else ""),
            ended=now,
        )
        return Order(terms=terms, progress=progress)
