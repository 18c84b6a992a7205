"""Compare a slice as it was recorded with what came of deciding it again: the first difference, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from twap_server.domain import exact
from twap_server.domain.clock import Nanos, to_iso
from twap_server.domain.orders.order import Fill, Order, Sent, SliceResult
from twap_server.engine.work.slice_decision import Decision
from twap_server.proof.recorded_market import RecordedMarket

Value: TypeAlias = Decimal | str | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first field that is not as recorded."""

    slice: int | None = None
    """Its index, from 0; None where it is the order's."""
    field: str
    recorded: str
    recomputed: str
    how: str = "recomputed"
    """How it is known what it should be: where that is no recomputing, as by another field, ``expected``."""

    @property
    def is_of_other_book(self) -> bool:
        """Whether it was decided on another state of the book, or on none."""
        return self.field in ("book", "book_time")

    def __str__(self) -> str:
        where = "" if self.slice is None else f"slice {self.slice + 1}: "
        return f"{where}{self.field}: recorded {self.recorded}, {self.how} {self.recomputed}"


def contradicted(field: str, recorded: str, expected: str, *, at: int | None = None) -> Difference:
    """A field that another one contradicts; ``at`` is the index of its slice."""
    return Difference(slice=at, field=field, recorded=recorded, recomputed=expected, how="expected")


def first_difference(
    told: SliceResult, fills: Sequence[Fill], again: Decision | None, market: RecordedMarket, order: Order
) -> Difference | None:
    """The first difference; None where all is as recorded. ``again`` is None where no book was there."""
    if again is None:
        return Difference(
            slice=told.index,
            field="book",
            recorded=f"one that last changed at {_moment(told.book_time)}",
            recomputed=f"none that is live: {_why(market, order)}",
        )
    for field, recorded, recomputed in _pairs(told, fills, again):
        if recorded != recomputed:
            return Difference(
                slice=told.index, field=field, recorded=_text(recorded), recomputed=_text(recomputed)
            )
    return None


def sent_difference(told: SliceResult, made: Sent | None) -> Difference | None:
    """The first difference of what a slice saw when it was sent; ``made`` is None where it was not sent."""
    sent = told.sent
    assert sent is not None
    pairs: list[tuple[str, Value, Value]] = [
        ("sent", _moment(sent.time), None if made is None else _moment(made.time))
    ]
    if made is not None:
        pairs += [
            ("latency", sent.latency, made.latency),
            ("mid when sent", sent.mid, made.mid),
            ("touch when sent", sent.touch, made.touch),
        ]
    for field, recorded, recomputed in pairs:
        if recorded != recomputed:
            return Difference(
                slice=told.index, field=field, recorded=_text(recorded), recomputed=_text(recomputed)
            )
    return None


def _pairs(told: SliceResult, fills: Sequence[Fill], again: Decision) -> Iterator[tuple[str, Value, Value]]:
    """What is compared: first what the plan says, then the book, then what was made of both."""
    made = again.result
    yield "due", _moment(told.due), _moment(made.due)
    yield "target", told.target, made.target
    yield "wanted", told.wanted, made.wanted
    yield "book_time", _moment(told.book_time), _moment(made.book_time)
    yield "mid", told.mid, made.mid
    yield "touch", told.touch, made.touch
    yield "touch_exchange", told.touch_exchange, made.touch_exchange
    yield "traded", told.traded, made.traded
    for number, (one, other) in enumerate(zip(fills, again.fills, strict=False), 1):
        yield from _of_fill(f"fill {number}", one, other)
    yield "fills", len(fills), len(again.fills)
    yield "filled", told.filled, made.filled
    yield "notional", told.notional, made.notional
    yield "outcome", told.outcome.value, made.outcome.value
    yield "reason", _name(told), _name(made)


def _of_fill(name: str, told: Fill, made: Fill) -> Iterator[tuple[str, Value, Value]]:
    yield f"{name} exchange", told.exchange, made.exchange
    yield f"{name} price", told.price, made.price
    yield f"{name} quantity", told.quantity, made.quantity
    yield f"{name} fee", told.fee, made.fee
    yield f"{name} book_time", _moment(told.book_time), _moment(made.book_time)


def _name(result: SliceResult) -> str | None:
    return result.reason.value if result.reason else None


def _moment(nanos: Nanos | None) -> str | None:
    return None if nanos is None else to_iso(nanos)


def _text(value: Value) -> str:
    match value:
        case None | "":
            return "none"
        case Decimal():
            return exact.text(value)
        case _:
            return str(value)


def _why(market: RecordedMarket, order: Order) -> str:
    """Why the markets' books cannot be used, as the recording shows them."""
    reasons = []
    for one in order.terms.destinations:
        live = market.live_book(one.instrument)
        why = "the recording has nothing of it" if live is None else live.reason or live.status.value
        reasons.append(f"{one.instrument}: {why}")
    return "; ".join(reasons)
