"""Give what was decided of an order one text, and that text a digest: the same facts, the same digest.

In: all that is recorded of an order. Out: the text of ``docs/report.md``, "The hash", and its SHA-256. In it
are what was asked for, every plan, every decision and every fill; not in it is what differs between two
servers that decide the same: ids, the caller's names, when the order came, samples, texts for people.

One fact a line: its kind, then ``name=value`` in a fixed order, parted by single spaces. A number has no
exponent and no zeros behind its last decimal that means something; a moment is whole microseconds since the
Unix epoch, cut, for a recording keeps no more; what is not there is ``-``.
"""

import hashlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from twap_server.domain import exact
from twap_server.domain.clock import MICROSECOND
from twap_server.domain.orders.curves import AtOnce, Curve, Decay, Linear, Participation
from twap_server.domain.orders.order import Fill, Order, Sent, SliceResult, numbered
from twap_server.domain.orders.realism import IDEAL, Realism
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.terms import Destination, OrderTerms, Plan

FORMAT: Final = "twap-order 1"
"""First line of the text: another one means other lines."""


_Value: TypeAlias = Decimal | int | str | bool | None


def report_hash(record: OrderRecord) -> str | None:
    """The SHA-256 of an ended order's text, as 64 hexadecimal digits; None while it may still change."""
    if record.order.status.is_open:
        return None
    return hashlib.sha256(canonical_text(record).encode()).hexdigest()


def canonical_text(record: OrderRecord) -> str:
    """The text, each line with its end."""
    return "".join(f"{line}\n" for line in _lines(record))


def _lines(record: OrderRecord) -> Iterator[str]:
    order = record.order
    yield FORMAT
    yield _line("terms", _terms(order.terms))
    if order.terms.realism != IDEAL:
        yield _line("realism", _realism(order.terms.realism))
    yield from (_line("destination", _destination(one)) for one in order.terms.destinations)
    yield from (_line("plan", _plan(one)) for one in record.plans or (order.plan,))
    fills = numbered(record.fills)
    upcoming = next(fills, None)
    for result in record.slices:
        yield _line("slice", _slice(result))
        if result.sent is not None:
            yield _line("sent", _sent(result.sent))
        while upcoming is not None and upcoming[1].slice_index == result.index:
            yield _line("fill", _fill(*upcoming))
            upcoming = next(fills, None)
    yield _line("end", _end(order))


def _line(kind: str, values: Mapping[str, _Value]) -> str:
    return " ".join([kind, *(f"{name}={_text(value)}" for name, value in values.items())])


def _text(value: _Value) -> str:
    match value:
        case None | "":
            return "-"
        case Decimal():
            return exact.text(value) if value else "0"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _moment(nanos: int | None) -> int | None:
    return None if nanos is None else nanos // MICROSECOND


def _terms(terms: OrderTerms) -> Mapping[str, _Value]:
    return {
        "exchange": terms.exchange,
        "side": terms.side.value,
        "strategy": terms.strategy.name.value,
        "carry": terms.carry.value,
        "fidelity": terms.fidelity.value,
        "max_slippage_bps": terms.max_slippage_bps,
        "randomize": terms.randomize,
        "participation_cap": terms.participation_cap,
        "lot_size": terms.lot_size,
        "start": _moment(terms.start),
    }


def _realism(one: Realism) -> Mapping[str, _Value]:
    return {
        "latency": one.latency,
        "latency_spread": one.latency_spread,
        "impact": one.impact.value,
        "half_life": one.half_life,
        "fees": one.fees.value,
    }


def _sent(one: Sent) -> Mapping[str, _Value]:
    return {"time": _moment(one.time), "latency": one.latency, "mid": one.mid, "touch": one.touch}


def _destination(one: Destination) -> Mapping[str, _Value]:
    return {
        "exchange": one.instrument.exchange,
        "symbol": one.instrument.symbol,
        "tick_size": one.prices.tick_size,
        "price_digits": one.prices.digits,
        "whole_prices": one.prices.whole,
        "lot_size": one.lot_size,
        "min_quantity": one.min_quantity,
        "min_notional": one.min_notional,
        "fee": one.fee,
    }


def _plan(plan: Plan) -> Mapping[str, _Value]:
    return {
        "revision": plan.revision,
        "quantity": plan.quantity,
        "limit": plan.limit,
        "start": _moment(plan.start),
        "end": _moment(plan.end),
        "interval": plan.interval,
        "slices": plan.slice_count,
        "first": plan.first,
        "base": plan.base,
        "step": plan.step,
        **_curve(plan.curve),
    }


def _curve(curve: Curve) -> Mapping[str, _Value]:
    """Its kind, then what it is drawn by."""
    match curve:
        case Linear():
            return {"curve": "linear"}
        case AtOnce():
            return {"curve": "at_once"}
        case Decay():
            return {"curve": "decay", "kappa": curve.kappa}
        case Participation():
            return {"curve": "participation", "percent": curve.percent}
    weights = ",".join(map(str, curve.weights))
    anchor = _moment(curve.anchor)
    return {"curve": "volume_profile", "anchor": anchor, "period": curve.period, "weights": weights}


def _slice(one: SliceResult) -> Mapping[str, _Value]:
    return {
        "index": one.index,
        "due": _moment(one.due),
        "decided": _moment(one.decided),
        "outcome": one.outcome.value,
        "reason": one.reason.value if one.reason else None,
        "wanted": one.wanted,
        "filled": one.filled,
        "notional": one.notional,
        "target": one.target,
        "mid": one.mid,
        "touch": one.touch,
        "touch_exchange": one.touch_exchange,
        "traded": one.traded,
        "book_time": _moment(one.book_time),
    }


def _fill(number: int, one: Fill) -> Mapping[str, _Value]:
    return {
        "slice": one.slice_index,
        "number": number,
        "exchange": one.exchange,
        "price": one.price,
        "quantity": one.quantity,
        "fee": one.fee,
        "book_time": _moment(one.book_time),
    }


def _end(order: Order) -> Mapping[str, _Value]:
    progress = order.progress
    return {
        "status": progress.status.value,
        "filled": progress.filled,
        "notional": progress.notional,
        "fees": progress.fees,
    }
