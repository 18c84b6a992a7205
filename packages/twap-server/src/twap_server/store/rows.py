"""Translate domain values to rows and back. Decides nothing."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from twap_models.enums import (
    Carry,
    Fidelity,
    OrderEventType,
    OrderStatus,
    Side,
    SliceOutcome,
    SliceReason,
)
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Fill, Order, OrderEvent, OrderProgress, SliceResult
from twap_server.domain.orders.sample import Sample, Sweep
from twap_server.domain.orders.terms import OrderTerms, Plan
from twap_server.store.curve_texts import read_curve, read_strategy
from twap_server.store.legs import read_legs
from twap_server.store.realism_texts import read_realism, read_sent

Row = dict[str, Any]
Columns = Mapping[Any, Any]


def to_order(row: Columns) -> Order:
    """Read an order."""
    return Order(terms=to_terms(row), plan=to_plan(row), progress=to_progress(row))


def to_plan(row: Columns) -> Plan:
    """Read one revision of an order's plan."""
    curve, step = read_curve(row["curve"])
    return Plan(
        revision=row["revision"],
        quantity=row["quantity"],
        limit=row["limit_price"],
        start=row["plan_start"],
        end=row["end_time"],
        interval=row["interval_ns"],
        slice_count=row["slice_count"],
        first=row["first_slice"],
        base=row["base"],
        curve=curve,
        step=step,
        warnings=tuple(json.loads(row["warnings"])),
    )


def to_terms(row: Columns) -> OrderTerms:
    """Read an order's terms."""
    return OrderTerms(
        order_id=row["order_id"],
        user_id=row["user_id"],
        token_id=row["token_id"],
        fingerprint=row["fingerprint"],
        exchange=row["exchange"],
        symbol=row["symbol"],
        instrument=_to_instrument_id(row),
        destinations=read_legs(row["legs"], row["tick_size"]),
        side=Side(row["side"]),
        created=row["created"],
        start=row["start_time"],
        carry=Carry(row["carry"]),
        max_slippage_bps=row["max_slippage_bps"],
        fidelity=Fidelity(row["fidelity"]),
        randomize=row["randomize"],
        participation_cap=row["participation_cap"],
        realism=read_realism(row["realism"]),
        strategy=read_strategy(row["strategy"], row["parameters"]),
        lot_size=row["lot_size"],
        decision_price=row["decision_price"],
        forecast_bps=row["forecast_bps"],
    )


def to_progress(row: Columns) -> OrderProgress:
    """Read an order's progress, of now or of an event."""
    return OrderProgress(
        status=OrderStatus(row["status"]),
        filled=row["filled"],
        notional=row["notional"],
        fees=row["fees"],
        next_slice=row["next_slice"],
        reason=row["reason"],
        detail=row["detail"],
        ended=row["ended"],
        traded=row["traded_total"],
        version=row["version"],
    )


def to_slice(row: Columns) -> SliceResult:
    """Read how a slice ended."""
    return SliceResult(
        index=row["slice_index"],
        due=row["due"],
        outcome=SliceOutcome(row["outcome"]),
        reason=SliceReason(row["reason"]) if row["reason"] else None,
        wanted=row["wanted"],
        filled=row["filled"],
        notional=row["notional"],
        decided=row["decided"],
        target=row["target"],
        mid=row["mid"],
        touch=row["touch"],
        touch_exchange=row["touch_exchange"],
        traded=row["traded"],
        book_time=row["book_time"],
        sent=read_sent(row["sent"]),
    )


def to_sample(row: Columns) -> Sample:
    """Read a sample of an order's market."""
    sweep = None
    if row["sweep_filled"] is not None:
        sweep = Sweep(filled=row["sweep_filled"], notional=row["sweep_notional"], fees=row["sweep_fees"])
    return Sample(
        time=row["time"], mid=row["mid"], volume=row["volume"], notional=row["notional"], sweep=sweep
    )


def to_event(row: Columns, *, order: Order, result: SliceResult | None, fills: Sequence[Fill]) -> OrderEvent:
    """Read an event, given what it refers to; ``fills`` are all of its slice."""
    return OrderEvent(
        seq=row["seq"],
        type=OrderEventType(row["type"]),
        time=row["time"],
        order=order,
        slice=result,
        fills=tuple(fills[: row["fill_count"]]),
    )


def _to_instrument_id(row: Columns) -> InstrumentId | None:
    if row["instrument_symbol"] is None:
        return None
    return InstrumentId(row["instrument_exchange"], row["instrument_symbol"])
