"""Orders, slices, fills and events with every digit and every field in use."""

from decimal import Decimal

from support.changes import replace
from twap_models.enums import (
    Carry,
    Fidelity,
    OrderEventType,
    OrderStatus,
    Side,
    SliceOutcome,
    SliceReason,
)
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.price_grid import PriceGrid
from twap_server.domain.orders.order import Fill, Order, OrderEvent, OrderProgress, SliceResult
from twap_server.domain.orders.terms import Destination, OrderTerms, Plan
from twap_server.domain.orders.write import OrderWrite

T0 = Nanos(1_790_000_000_123_456_789)
LONG = Decimal("123456789012345678.901234567891")
"""Thirty digits: more than the default decimal context or any float keeps."""
TINY = Decimal("1E-8")


def make_terms(number: int = 1, *, user_id: str = "alice") -> OrderTerms:
    return OrderTerms(
        order_id=f"order-{user_id}-{number:06}",
        user_id=user_id,
        token_id=f"token-{number}",
        fingerprint=f"print-{number}",
        exchange="binance",
        symbol="btc/usdt",
        instrument=InstrumentId("binance", "BTC-USDT"),
        destinations=(
            Destination(
                instrument=InstrumentId("binance", "BTC-USDT"),
                prices=PriceGrid(Decimal("0.010"), digits=5, whole=True),
                lot_size=TINY,
                min_quantity=Decimal("0.00001000"),
                min_notional=Decimal(10),
                fee=Decimal("0.0010"),
            ),
        ),
        side=Side.SELL,
        created=Nanos(T0 + number),
        start=T0,
        carry=Carry.LAST,
        max_slippage_bps=Decimal("2.50"),
        fidelity=Fidelity.L1,
        randomize=Decimal("12.5"),
        participation_cap=Decimal("7.50"),
        lot_size=TINY,
        decision_price=Decimal("64000.005"),
        forecast_bps=Decimal("-10.0250"),
    )


def make_plan() -> Plan:
    return Plan(
        quantity=LONG,
        limit=TINY,
        start=T0,
        end=Nanos(T0 + 60 * SECOND),
        interval=5 * SECOND,
        slice_count=12,
        warnings=('quantity was cut to "the lot"', "größer"),
    )


def make_order(
    number: int = 1, *, user_id: str = "alice", status: OrderStatus = OrderStatus.ACCEPTED
) -> Order:
    return Order(
        terms=make_terms(number, user_id=user_id),
        plan=make_plan(),
        progress=OrderProgress(status=status),
    )


def make_slice(index: int = 0, *, filled: Decimal = TINY) -> SliceResult:
    return SliceResult(
        index=index,
        due=Nanos(T0 + index * 5 * SECOND),
        outcome=SliceOutcome.PARTIAL,
        reason=SliceReason.DEPTH_EXHAUSTED,
        wanted=LONG,
        filled=filled,
        notional=Decimal("0.00064000"),
        decided=Nanos(T0 + 1),
        mid=Decimal("64000.0050"),
        target=Decimal("1.20"),
        touch=Decimal("64000.0060"),
        touch_exchange="binance",
        traded=Decimal("3.50"),
        book_time=Nanos(T0 - 1),
    )


def make_fills(order: Order, index: int = 0, *, count: int = 2) -> tuple[Fill, ...]:
    return tuple(
        Fill(
            fill_id=f"{order.terms.order_id}-{index}-{n}",
            slice_index=index,
            time=Nanos(T0 + n),
            exchange="binance",
            price=Decimal(f"64000.{n + 1}0"),
            quantity=TINY,
            fee=Decimal("0.000000064"),
            book_seq=2**40 + n,
            book_time=Nanos(T0 - 1),
        )
        for n in range(count)
    )


def make_event(
    order: Order,
    seq: int,
    type_: OrderEventType = OrderEventType.ACCEPTED,
    *,
    result: SliceResult | None = None,
    fills: tuple[Fill, ...] = (),
) -> OrderEvent:
    return OrderEvent(seq=seq, type=type_, time=Nanos(T0 + seq), order=order, slice=result, fills=fills)


def accepted(order: Order, *, seq: int | None = None) -> OrderWrite:
    """The write that records a new order, with its event when ``seq`` is given."""
    events = () if seq is None else (make_event(order, seq),)
    return OrderWrite(order=order, is_new=True, events=events)


def sliced(order: Order, *, seq: int | None = None) -> OrderWrite:
    """The write of the order's next slice with two fills."""
    index = order.progress.next_slice
    fills = make_fills(order, index)
    result = make_slice(index, filled=Decimal("2E-8"))
    after = order.after_slice(result, fills)
    events = (
        () if seq is None else (make_event(after, seq, OrderEventType.SLICE, result=result, fills=fills),)
    )
    return OrderWrite(order=after, slices=(result,), fills=fills, events=events)


def with_terms(order: Order, **changes: object) -> Order:
    return replace(order, terms=replace(order.terms, **changes))
