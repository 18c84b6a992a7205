"""Read what an order is proven by, the answer of ``GET /orders/{token_id}/proof``, into our own values."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from twap_models.enums import FeeSource, ImpactModel, RealismProfile, SliceReason, Strategy
from twap_models.proof import OrderProof, ProofCurve, ProofMarket, ProofPlan, ProofSent, ProofSlice
from twap_models.realism import OrderRealism
from twap_server.domain.clock import MICROSECOND, Nanos, to_span
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.exact import ZERO
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.price_grid import PriceGrid
from twap_server.domain.orders.curves import LINEAR, AtOnce, Curve, Decay, Participation, VolumeProfile
from twap_server.domain.orders.order import Fill, Order, OrderProgress, Sent, SliceResult
from twap_server.domain.orders.proof import ProofRecord, Taken
from twap_server.domain.orders.realism import PROFILES, Realism
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.strategies import TWAP, AllAtOnce, Pov, Shortfall, StrategyChoice, Vwap
from twap_server.domain.orders.terms import Destination, OrderTerms, Plan
from twap_server.engine.config import EngineConfig

_FORMAT: Final = 1
_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """An order to recompute, and the settings that decisions depend on."""

    proof: ProofRecord
    config: EngineConfig
    sha256: str | None
    """Of its report."""
    given: OrderProof
    """The document itself."""


def read_proof(path: Path) -> Proven:
    """Read the file.

    Raises:
        InvalidRequest: there is none, or it is no proof of an order.
    """
    try:
        given = OrderProof.from_json(path.read_bytes())
    except OSError as error:
        raise InvalidRequest(f"cannot read {path}: {error.strerror}", field="proof") from None
    except ValueError as error:
        why = str(error).splitlines()[0]
        raise InvalidRequest(
            f"{path} is no proof of an order ({why}): expected the answer of GET /orders/TOKEN/proof, "
            "as `twap verify --save FILE` writes it",
            field="proof",
        ) from None
    if given.format != _FORMAT:
        raise InvalidRequest(
            f"{path} is of format {given.format}: expected {_FORMAT}; verify it with the twap-server that "
            "worked the order, or a newer one",
            field="proof",
        )
    return proven(given)


def proven(given: OrderProof) -> Proven:
    """Translate it; exact numbers stay exact.

    Raises:
        InvalidRequest: it has no plan, or something that this twap-server does not know.
    """
    if not given.plans:
        raise InvalidRequest("the proof has no plan: nothing can be decided without one", field="proof")
    plans = tuple(map(_plan, given.plans))
    record = OrderRecord(
        order=Order(terms=_terms(given), plan=plans[-1], progress=_progress(given)),
        slices=tuple(map(_slice, given.slices)),
        fills=tuple(_fills(given)),
        samples=(),
        plans=plans,
    )
    proof = ProofRecord(
        record=record,
        begins={one.revision: one.from_slice for one in given.plans},
        seqs={one.index: one.seq for one in given.slices},
        taken=tuple(_taken(given)),
    )
    return Proven(proof=proof, config=_config(given), sha256=given.sha256, given=given)


def _realism(given: str | OrderRealism) -> Realism:
    """What its slices met on their way."""
    try:
        if isinstance(given, str):
            return PROFILES[RealismProfile(given)]
        half_life = given.impact_half_life
        return Realism(
            profile=RealismProfile.OWN,
            latency=to_span(given.latency),
            latency_spread=to_span(given.latency_spread),
            impact=ImpactModel(given.impact),
            half_life=None if half_life is None else to_span(half_life),
            fees=FeeSource(given.fees),
        )
    except (ValueError, KeyError):
        told = given if isinstance(given, str) else f"{given.impact}, {given.fees}"
        raise InvalidRequest(
            f"the realism {told} is not known to this twap-server: verify it with a newer one", field="proof"
        ) from None


def _terms(given: OrderProof) -> OrderTerms:
    markets = tuple(map(_market, given.markets))
    symbol = given.instrument or ""
    return OrderTerms(
        order_id=given.order_id,
        user_id=given.user_id,
        token_id=given.token_id,
        fingerprint="",
        exchange=given.exchange,
        symbol=symbol,
        instrument=InstrumentId(given.exchange, symbol) if symbol else None,
        destinations=markets,
        side=given.side,
        created=Nanos(given.created_ns),
        start=Nanos(given.start_ns),
        carry=given.carry,
        max_slippage_bps=given.max_slippage_bps,
        fidelity=given.fidelity,
        randomize=given.randomize,
        participation_cap=given.participation_cap,
        strategy=_strategy(given),
        realism=_realism(given.realism),
        lot_size=given.lot_size,
    )


def _market(one: ProofMarket) -> Destination:
    return Destination(
        instrument=InstrumentId(one.exchange, one.symbol),
        prices=PriceGrid(one.tick_size, one.price_digits, one.whole_prices),
        lot_size=one.lot_size,
        min_quantity=one.min_quantity,
        min_notional=one.min_notional,
        fee=one.fee,
    )


def _plan(one: ProofPlan) -> Plan:
    return Plan(
        revision=one.revision,
        quantity=one.quantity,
        limit=one.limit_price,
        start=Nanos(one.start_ns),
        end=Nanos(one.end_ns),
        interval=one.interval_ns,
        slice_count=one.slice_count,
        first=one.first,
        base=one.base,
        step=one.step,
        curve=_curve(one.curve),
    )


def _curve(one: ProofCurve) -> Curve:
    match one:
        case ProofCurve(kind="linear"):
            return LINEAR
        case ProofCurve(kind="at_once"):
            return AtOnce()
        case ProofCurve(kind="decay", kappa=Decimal() as kappa):
            return Decay(kappa)
        case ProofCurve(kind="participation", percent=Decimal() as percent) if ZERO < percent < _HUNDRED:
            return Participation(percent)
        case ProofCurve(anchor_ns=int(anchor), period_ns=int(period), weights=[*weights]) if (
            period > 0 and any(weights) and min(weights) >= 0
        ):
            return VolumeProfile(Nanos(anchor), period, tuple(weights))
    raise InvalidRequest(
        f"the plan follows a curve that this twap-server cannot draw ({one.kind}): use a newer one",
        field="proof",
    )


def _strategy(given: OrderProof) -> StrategyChoice:
    """Its name alone: decisions go by the plan's curve."""
    match given.strategy:
        case Strategy.VWAP:
            return Vwap()
        case Strategy.IS:
            return Shortfall()
        case Strategy.SWEEP:
            return AllAtOnce()
        case Strategy.POV:
            curve = given.plans[-1].curve
            return Pov(curve.percent if curve.percent is not None else ZERO)
    return TWAP


def _progress(given: OrderProof) -> OrderProgress:
    return OrderProgress(
        status=given.status,
        filled=given.filled_quantity,
        notional=given.notional,
        fees=given.fees,
        next_slice=len(given.slices),
    )


def _slice(one: ProofSlice) -> SliceResult:
    return SliceResult(
        index=one.index,
        due=Nanos(one.due_ns),
        outcome=one.outcome,
        reason=_reason(one),
        wanted=one.wanted_quantity,
        filled=one.filled_quantity,
        notional=one.notional,
        decided=None if one.decided_ns is None else Nanos(one.decided_ns),
        target=one.target_quantity,
        mid=one.mid,
        touch=one.touch,
        touch_exchange=one.touch_exchange,
        traded=one.traded_volume,
        book_time=None if one.book_time_ns is None else _cut(one.book_time_ns),
        sent=None if one.sent is None else _sent(one.sent),
    )


def _sent(one: ProofSent) -> Sent:
    return Sent(time=Nanos(one.time_ns), latency=one.latency_ns, mid=one.mid, touch=one.touch)


def _reason(one: ProofSlice) -> SliceReason | None:
    if one.reason is None or isinstance(one.reason, SliceReason):
        return one.reason
    raise InvalidRequest(
        f"slice {one.index + 1} has the reason {one.reason}, which this twap-server does not know: "
        "verify it with a newer one",
        field="proof",
    )


def _fills(given: OrderProof) -> Iterator[Fill]:
    decided = {one.index: one.decided_ns or 0 for one in given.slices}
    for one in given.fills:
        yield Fill(
            fill_id=f"{given.order_id}-{one.slice}-{one.number}",
            slice_index=one.slice,
            time=Nanos(decided.get(one.slice, 0)),
            exchange=one.exchange,
            price=one.price,
            quantity=one.quantity,
            fee=one.fee,
            book_seq=one.book_seq,
            book_time=_cut(one.book_time_ns),
        )


def _taken(given: OrderProof) -> Iterator[Taken]:
    for one in given.taken:
        yield Taken(
            seq=one.seq,
            time=Nanos(one.time_ns),
            instrument=InstrumentId(one.exchange, one.symbol),
            price=one.price,
            quantity=one.quantity,
            book_time=None if one.book_time_ns is None else _cut(one.book_time_ns),
        )


def _cut(nanos: int) -> Nanos:
    """A book's moment as a recording has it: to the microsecond."""
    return Nanos(nanos // MICROSECOND * MICROSECOND)


def _config(given: OrderProof) -> EngineConfig:
    settings = given.settings
    try:
        return EngineConfig(
            impact_half_life=_length(settings.impact_half_life_ns),
            max_book_age=_length(settings.max_book_age_ns),
            max_book_wait=_length(settings.max_book_wait_ns),
            max_leg_spread=settings.max_leg_spread,
        )
    except ValueError as error:
        why = "; ".join(str(error).splitlines()[1:3])
        raise InvalidRequest(f"the proof has settings that no server has: {why}", field="proof") from None


def _length(nanos: int) -> timedelta:
    return timedelta(microseconds=nanos // MICROSECOND)
