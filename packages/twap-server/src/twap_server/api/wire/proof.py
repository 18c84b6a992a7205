"""Translate what an order is proven by to its wire model. Decides nothing; exact numbers stay exact."""

from twap_models import proof as wire
from twap_server.api.wire.present_realism import realism
from twap_server.domain.clock import to_span
from twap_server.domain.orders.curves import AtOnce, Curve, Decay, Linear, Participation
from twap_server.domain.orders.order import Fill, Sent, SliceResult, numbered
from twap_server.domain.orders.proof import ProofRecord, Taken
from twap_server.domain.orders.terms import Destination, Plan
from twap_server.domain.tca.report_hash import report_hash
from twap_server.engine.config import EngineConfig

_FORMAT = 1


def order_proof(proof: ProofRecord, config: EngineConfig) -> wire.OrderProof:
    """All of it, with the settings that decisions depend on."""
    record, order = proof.record, proof.record.order
    terms, progress = order.terms, order.progress
    return wire.OrderProof(
        format=_FORMAT,
        token_id=terms.token_id,
        order_id=terms.order_id,
        user_id=terms.user_id,
        exchange=terms.exchange,
        instrument=terms.instrument.symbol if terms.instrument else None,
        side=terms.side,
        strategy=terms.strategy.name,
        status=progress.status,
        carry=terms.carry,
        fidelity=terms.fidelity,
        max_slippage_bps=terms.max_slippage_bps,
        randomize=terms.randomize,
        participation_cap=terms.participation_cap,
        realism=realism(terms.realism),
        lot_size=terms.lot_size,
        created_ns=terms.created,
        start_ns=terms.start,
        filled_quantity=progress.filled,
        notional=progress.notional,
        fees=progress.fees,
        markets=[_market(one) for one in terms.destinations],
        plans=[_plan(one, proof.begins.get(one.revision, 0)) for one in record.plans],
        slices=[_slice(one, proof.seqs.get(one.index, 0)) for one in record.slices],
        fills=[_fill(number, one) for number, one in numbered(record.fills)],
        taken=[_taken(one) for one in proof.taken],
        settings=_settings(config),
        sha256=report_hash(record),
    )


def _market(one: Destination) -> wire.ProofMarket:
    return wire.ProofMarket(
        exchange=one.instrument.exchange,
        symbol=one.instrument.symbol,
        tick_size=one.prices.tick_size,
        price_digits=one.prices.digits,
        whole_prices=one.prices.whole,
        lot_size=one.lot_size,
        min_quantity=one.min_quantity,
        min_notional=one.min_notional,
        fee=one.fee,
    )


def _plan(plan: Plan, from_slice: int) -> wire.ProofPlan:
    return wire.ProofPlan(
        revision=plan.revision,
        from_slice=from_slice,
        quantity=plan.quantity,
        limit_price=plan.limit,
        start_ns=plan.start,
        end_ns=plan.end,
        interval_ns=plan.interval,
        slice_count=plan.slice_count,
        first=plan.first,
        base=plan.base,
        step=plan.step,
        curve=_curve(plan.curve),
    )


def _curve(curve: Curve) -> wire.ProofCurve:
    match curve:
        case Linear():
            return wire.ProofCurve(kind="linear")
        case AtOnce():
            return wire.ProofCurve(kind="at_once")
        case Decay():
            return wire.ProofCurve(kind="decay", kappa=curve.kappa)
        case Participation():
            return wire.ProofCurve(kind="participation", percent=curve.percent)
    return wire.ProofCurve(
        kind="volume_profile",
        anchor_ns=curve.anchor,
        period_ns=curve.period,
        weights=list(curve.weights),
    )


def _slice(one: SliceResult, seq: int) -> wire.ProofSlice:
    return wire.ProofSlice(
        seq=seq,
        index=one.index,
        due_ns=one.due,
        decided_ns=one.decided,
        outcome=one.outcome,
        reason=one.reason,
        wanted_quantity=one.wanted,
        filled_quantity=one.filled,
        notional=one.notional,
        target_quantity=one.target,
        mid=one.mid,
        touch=one.touch,
        touch_exchange=one.touch_exchange,
        traded_volume=one.traded,
        book_time_ns=one.book_time,
        sent=None if one.sent is None else _sent(one.sent),
    )


def _sent(one: Sent) -> wire.ProofSent:
    return wire.ProofSent(time_ns=one.time, latency_ns=one.latency, mid=one.mid, touch=one.touch)


def _fill(number: int, one: Fill) -> wire.ProofFill:
    return wire.ProofFill(
        slice=one.slice_index,
        number=number,
        exchange=one.exchange,
        price=one.price,
        quantity=one.quantity,
        fee=one.fee,
        book_seq=one.book_seq,
        book_time_ns=one.book_time,
    )


def _taken(one: Taken) -> wire.ProofTaken:
    return wire.ProofTaken(
        seq=one.seq,
        time_ns=one.time,
        exchange=one.instrument.exchange,
        symbol=one.instrument.symbol,
        price=one.price,
        quantity=one.quantity,
        book_time_ns=one.book_time,
    )


def _settings(config: EngineConfig) -> wire.ProofSettings:
    return wire.ProofSettings(
        impact_half_life_ns=to_span(config.impact_half_life),
        max_book_age_ns=to_span(config.max_book_age),
        max_book_wait_ns=to_span(config.max_book_wait),
        max_leg_spread=config.max_leg_spread,
    )
