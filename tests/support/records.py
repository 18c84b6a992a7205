"""Records of orders written by hand, for tests of the execution report."""

from collections.abc import Sequence
from decimal import Decimal

from support.changes import replace
from twap_models.enums import Carry, Fidelity, OrderStatus, Side, SliceOutcome, SliceReason
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.price_grid import PriceGrid
from twap_server.domain.orders.order import Fill, Order, OrderProgress, SliceResult
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.sample import Sample, Sweep
from twap_server.domain.orders.terms import Destination, OrderTerms, Plan

START = Nanos(1_700_000_000 * SECOND)


def at(seconds: str | int) -> Nanos:
    """So many seconds after the start."""
    return Nanos(START + int(Decimal(seconds) * SECOND))


def destination(exchange: str = "binance", fee: str = "0.001") -> Destination:
    return Destination(
        instrument=InstrumentId(exchange, "BTC-USDT"),
        prices=PriceGrid(Decimal("0.01")),
        lot_size=Decimal("0.001"),
        min_quantity=Decimal(0),
        min_notional=Decimal(0),
        fee=Decimal(fee),
    )


def order(
    *,
    side: Side = Side.BUY,
    quantity: str = "4",
    limit: str | None = None,
    decision: str | None = "100",
    destinations: Sequence[Destination] = (destination(),),
    slices: int = 4,
    status: OrderStatus = OrderStatus.WORKING,
) -> Order:
    """An order over 40 s in slices of 10 s, accepted two seconds before its start."""
    terms = OrderTerms(
        order_id="o-1",
        user_id="u-1",
        token_id="t-1",
        fingerprint="f",
        exchange=destinations[0].instrument.exchange if len(destinations) == 1 else "aggregate",
        symbol="BTCUSDT",
        instrument=InstrumentId("binance", "BTC-USDT"),
        destinations=tuple(destinations),
        side=side,
        created=at(-2),
        start=START,
        carry=Carry.CATCH_UP,
        max_slippage_bps=None,
        fidelity=Fidelity.DEPTH,
        lot_size=Decimal("0.001"),
        decision_price=None if decision is None else Decimal(decision),
    )
    plan = Plan(
        quantity=Decimal(quantity),
        limit=None if limit is None else Decimal(limit),
        start=START,
        end=at(10 * slices),
        interval=10 * SECOND,
        slice_count=slices,
    )
    return Order(terms=terms, plan=plan, progress=OrderProgress(status=status))


def fill(
    price: str | Decimal, quantity: str | Decimal, fee: str | Decimal = "0", exchange: str = "binance"
) -> Fill:
    """A fill whose slice, time and id are set once its slice is known."""
    return Fill(
        fill_id="",
        slice_index=0,
        time=Nanos(0),
        exchange=exchange,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(fee),
    )


def slice_of(
    index: int,
    *fills: Fill,
    target: str | Decimal,
    mid: str | Decimal | None = None,
    touch: str | Decimal | None = None,
    reason: SliceReason | None = None,
    exchange: str = "binance",
    age_ms: int = 5,
) -> tuple[SliceResult, tuple[Fill, ...]]:
    """A slice decided 100 ms after it was due, with its fills; without a touch it met no book."""
    decided = Nanos(at(10 * index) + 100 * MILLISECOND)
    numbered = tuple(
        replace(one, fill_id=f"o-1-{index}-{number}", slice_index=index, time=decided)
        for number, one in enumerate(fills)
    )
    filled = exact.total(one.quantity for one in fills)
    return SliceResult(
        index=index,
        due=at(10 * index),
        outcome=SliceOutcome.FILLED if fills and reason is None else SliceOutcome.MISSED,
        reason=reason,
        wanted=filled,
        filled=filled,
        notional=exact.total(exact.multiply(one.price, one.quantity) for one in fills),
        decided=decided,
        target=Decimal(target),
        mid=None if mid is None else Decimal(mid),
        touch=None if touch is None else Decimal(touch),
        touch_exchange="" if touch is None else exchange,
        book_time=None if touch is None else Nanos(decided - age_ms * MILLISECOND),
    ), numbered


def sample(
    seconds: str | int,
    mid: str | None,
    *,
    volume: str = "0",
    notional: str = "0",
    sweep: tuple[str, str, str] | None = None,
) -> Sample:
    """A sample so many seconds after the start; a sweep is what it filled, its notional and its fees."""
    return Sample(
        time=at(seconds),
        mid=None if mid is None else Decimal(mid),
        volume=Decimal(volume),
        notional=Decimal(notional),
        sweep=None
        if sweep is None
        else Sweep(filled=Decimal(sweep[0]), notional=Decimal(sweep[1]), fees=Decimal(sweep[2])),
    )


def record(
    made: Order,
    slices: Sequence[tuple[SliceResult, tuple[Fill, ...]]] = (),
    samples: Sequence[Sample] = (),
    *,
    ended: tuple[OrderStatus, Nanos] | None = None,
) -> OrderRecord:
    """The record of an order that these slices were decided for, one after the other, until it is filled."""
    decided = []
    for result, fills in slices:
        if made.status.is_open:
            made = made.after_slice(result, fills)
            decided.append((result, fills))
    if ended is not None and made.status.is_open:
        made = made.ended_as(ended[0], reason="end_reached", at=ended[1])
    return OrderRecord(
        order=made,
        slices=tuple(result for result, _ in decided),
        fills=tuple(one for _, fills in decided for one in fills),
        samples=tuple(samples),
    )


EXPIRED = (OrderStatus.EXPIRED, at(40))


def by_hand() -> OrderRecord:
    """A buy of 4 in four slices, of which 3 fill: see the arithmetic beside each assertion."""
    return record(
        order(),
        [
            slice_of(0, fill("101.2", "1", "0.1012"), target="1", mid="101", touch="101.2", age_ms=5),
            slice_of(1, target="2", mid="103", touch="103.1", reason=SliceReason.LIMIT_NOT_MET, age_ms=50),
            slice_of(
                2,
                fill("102.5", "1.5", "0.15375"),
                fill("102.75", "0.5", "0.051375"),
                target="3",
                mid="102.25",
                touch="102.5",
                age_ms=7,
            ),
            slice_of(3, target="4", reason=SliceReason.STALE_BOOK),
        ],
        [
            sample(0, "100.5", sweep=("3.5", "352.5", "0.3525")),
            sample("1.2", "101.5", volume="2", notional="202"),
            sample("10.5", "103"),
            sample(20, "102", volume="3", notional="309"),
            sample("21.3", "102.5"),
            sample("30.1", None),
            sample(40, "104", volume="1", notional="104"),
            sample("41", "900", volume="7", notional="7"),
        ],
        ended=EXPIRED,
    )
