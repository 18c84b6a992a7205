"""domain/orders/order.py: states, and what no order may do."""

from decimal import Decimal

import pytest

from support.changes import replace
from support.orders import T0, order
from twap_models.enums import FillState, OrderStatus, SliceOutcome
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.order import Fill, Order, SliceResult


def piece(index: int = 4, *, filled: str = "0.1") -> tuple[SliceResult, tuple[Fill, ...]]:
    quantity = Decimal(filled)
    result = SliceResult(
        index=index,
        due=T0,
        outcome=SliceOutcome.FILLED,
        reason=None,
        wanted=quantity,
        filled=quantity,
        decided=T0,
    )
    fill = Fill(
        fill_id=f"o-{index}-0", slice_index=index, time=T0, exchange="binance", price=Decimal(100),
        quantity=quantity, fee=Decimal("0.01"),
    )  # fmt: skip
    return result, (fill,)


def test_a_slice_moves_the_order_on() -> None:
    after = order().after_slice(*piece())
    assert (after.status, after.progress.filled, after.remaining) == (
        OrderStatus.WORKING, Decimal("0.5"), Decimal("0.5"),
    )  # fmt: skip
    assert (after.progress.next_slice, after.progress.version) == (5, 5)
    assert after.fill_state is FillState.PARTIAL


def test_filled_means_all_of_it_exactly() -> None:
    assert order().after_slice(*piece(filled="0.59999")).status is OrderStatus.WORKING
    done = order().after_slice(*piece(filled="0.6"))
    assert (done.status, done.fill_state, done.progress.ended) == (OrderStatus.FILLED, FillState.FULL, T0)
    with pytest.raises(ValueError, match="exceed"):
        order().after_slice(*piece(filled="0.60001"))


def test_slices_come_in_order_and_once() -> None:
    for index in (3, 5):
        with pytest.raises(ValueError, match="not next"):
            order().after_slice(*piece(index))


def test_a_paused_order_stays_paused_through_its_missed_slices() -> None:
    paused = order().paused()
    result, _ = piece(filled="0")
    assert paused.after_slice(replace(result, outcome=SliceOutcome.MISSED), ()).status is OrderStatus.PAUSED
    assert paused.resumed().status is OrderStatus.WORKING
    assert order(slices_done=0, filled="0").paused().resumed().status is OrderStatus.ACCEPTED


ENDED = [
    order().ended_as(OrderStatus.CANCELED, reason="canceled_by_user", at=T0),
    order().ended_as(OrderStatus.EXPIRED, reason="end_reached", at=T0),
    order().after_slice(*piece(filled="0.6")),
]


@pytest.mark.parametrize("ended", ENDED, ids=lambda one: one.status.value)
def test_an_order_that_has_ended_does_not_change(ended: Order) -> None:
    following = piece(ended.progress.next_slice, filled="0.00001")
    for change in (
        ended.paused,
        ended.resumed,
        lambda: ended.ended_as(OrderStatus.CANCELED, reason="again", at=Nanos(T0 + 1)),
        lambda: ended.amended(replace(ended.plan, quantity=Decimal(9)), at=T0),
        lambda: ended.after_slice(*following),
    ):
        with pytest.raises(ValueError, match="has already ended"):
            change()
