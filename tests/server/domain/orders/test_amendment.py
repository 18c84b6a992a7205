"""domain/orders/amendment.py: the past stays, the future follows; each rule names what would do."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.changes import replace
from support.orders import T0, order
from twap_models.enums import OrderStatus, Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.market.price_grid import PriceGrid
from twap_server.domain.orders.amendment import amend
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.rules import OrderLimits
from twap_server.domain.orders.terms import Amendment, Plan

LIMITS = OrderLimits(max_slices=1_000, min_interval=SECOND // 10, max_duration=100_000 * SECOND)


def made(wanted: Amendment, *, at: Order | None = None, seconds: str = "3.5") -> Plan:
    now = Nanos(T0 + int(Decimal(seconds) * SECOND))
    return amend(at or order(), wanted, now=now, limits=LIMITS, reference=Decimal(100))


def test_a_limit_alone_leaves_the_schedule() -> None:
    plan = made(Amendment(limit=Decimal("99.999"), limit_set=True))
    assert replace(plan, warnings=()) == replace(order().plan, revision=2, limit=Decimal("99.99"))
    assert made(Amendment(limit_set=True)).limit is None


def test_a_limit_at_which_slices_would_be_too_small_merges_them() -> None:
    plan = made(Amendment(limit=Decimal(20), limit_set=True))
    assert (plan.first, plan.slice_count) == (4, 6), "0.6 at 20 is 12: two orders of 5"
    assert any("merged" in warning for warning in plan.warnings)


def test_a_quantity_is_spread_over_what_is_left() -> None:
    changed = order().amended(made(Amendment(quantity=Decimal("1.6"))), at=T0)
    plan, schedule = changed.plan, changed.schedule
    assert (plan.first, plan.base, plan.slice_count) == (4, Decimal("0.4"), 10)
    assert [schedule.size(i) for i in range(4, 10)] == [Decimal("0.2")] * 6
    assert schedule.due(4) == T0 + 4 * SECOND, "the order's own grid goes on"


@pytest.mark.parametrize("quantity", ["0", "0.000001"])
def test_an_order_is_not_amended_to_nothing(quantity: str) -> None:
    with pytest.raises(InvalidRequest, match="cancel the order"):
        made(Amendment(quantity=Decimal(quantity)), at=order(slices_done=0, filled="0"))


def test_what_an_amendment_rounds_is_told() -> None:
    limit = made(Amendment(limit=Decimal("99.999"), limit_set=True))
    assert limit.warnings == ("price 99.999 was rounded to the safe side of the tick: 99.99",)
    both = made(Amendment(quantity=Decimal("1.600001"), limit=Decimal(100), limit_set=True))
    assert both.warnings == ("quantity 1.600001 was rounded down to the lot: 1.6",)


@pytest.mark.parametrize(("side", "safe"), [(Side.BUY, "99.998"), (Side.SELL, "99.999")])
def test_an_amended_limit_has_as_few_digits_as_the_order_was_accepted_with(side: Side, safe: str) -> None:
    known = order()
    (leg,) = known.terms.destinations
    legs = (replace(leg, prices=PriceGrid(Decimal("0.00000001"), digits=5)),)
    few = replace(known, terms=replace(known.terms, side=side, destinations=legs))
    plan = made(Amendment(limit=Decimal("99.9987"), limit_set=True), at=few)
    assert plan.limit == Decimal(safe)
    assert plan.warnings == (f"price 99.9987 was rounded to the safe side of the tick: {safe}",)


def test_a_later_end_gives_more_slices_and_an_earlier_one_fewer() -> None:
    later = made(Amendment(end=Nanos(T0 + 16 * SECOND)))
    assert (later.slice_count, later.start) == (16, T0 + 4 * SECOND)
    sooner = made(Amendment(end=Nanos(T0 + 6 * SECOND)))
    assert sooner.slice_count == 6
    at_once = made(Amendment(end=Nanos(T0 + int(3.7 * SECOND))))
    assert (at_once.start, at_once.slice_count) == (T0 + int(3.5 * SECOND), 5), "no slice would be left else"


def test_exactly_what_is_filled_ends_the_order() -> None:
    changed = order().amended(made(Amendment(quantity=Decimal("0.4"))), at=T0)
    assert (changed.status, changed.plan.slice_count, changed.progress.ended) == (OrderStatus.FILLED, 4, T0)


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        (Amendment(quantity=Decimal("0.39")), "quantity", "at least 0.4, which is filled already, got 0.39"),
        (Amendment(quantity=Decimal("0.42")), "quantity", "0.4 (what is filled) or at least 0.44951"),
        (Amendment(limit=Decimal("0.004"), limit_set=True), "price", "one tick (0.01), got 0.004"),
        (Amendment(limit=Decimal(-1), limit_set=True), "price", "got -1"),
        (Amendment(end=Nanos(T0 + 3 * SECOND)), "end_time", "expected a time after 2023-11-14T22:13:23Z"),
        (Amendment(end=Nanos(T0 + 200_000 * SECOND)), "end_time", "expected a time up to"),
        (
            Amendment(quantity=Decimal(10_000), end=Nanos(T0 + 5_000 * SECOND)),
            "end_time",
            "at most 1000 slices of 1 s, got 5000",
        ),
    ],
)
def test_each_rule_names_field_value_and_what_would_do(wanted: Amendment, field: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        made(wanted)
    assert refused.value.field == field
    assert words in str(refused.value)


@given(
    done=st.integers(0, 10),
    filled=st.integers(0, 90_000),
    quantity=st.none() | st.integers(1, 300_000),
    seconds=st.none() | st.integers(1, 900),
    at_ms=st.integers(0, 9_999),
)
def test_no_plan_loses_or_adds_a_lot(
    done: int, filled: int, quantity: int | None, seconds: int | None, at_ms: int
) -> None:
    before = order(slices_done=done, filled=f"{filled * Decimal('0.00001'):f}")
    now = Nanos(T0 + at_ms * 1_000_000)
    wanted = Amendment(
        quantity=None if quantity is None else quantity * Decimal("0.00001"),
        end=None if seconds is None else Nanos(T0 + seconds * SECOND),
    )
    try:
        plan = amend(before, wanted, now=now, limits=LIMITS, reference=Decimal(100))
    except InvalidRequest:
        return
    changed = before.amended(plan, at=now)
    schedule = changed.schedule
    if not changed.status.is_open:
        assert plan.quantity == before.progress.filled
        return
    if wanted.quantity is None and wanted.end is None:
        assert (plan.start, plan.slice_count) == (before.plan.start, before.plan.slice_count)
        return
    sizes = [schedule.size(i) for i in range(done, schedule.count)]
    assert sizes and min(sizes) >= 0
    assert before.progress.filled + sum(sizes) == plan.quantity
    dues = [schedule.due(i) for i in range(done, schedule.count)]
    assert dues[0] in (before.schedule.begin(done), now) and dues[-1] < plan.end


@given(
    quantity=st.none() | st.decimals("0.46", "50", places=5),
    end=st.none() | st.integers(4 * SECOND, 90_000 * SECOND),
    limit=st.none() | st.decimals("0.01", "5000", places=2),
    reference=st.none() | st.decimals("0.01", "5000", places=2),
)
def test_no_amendment_makes_slices_come_faster(
    quantity: Decimal | None, end: int | None, limit: Decimal | None, reference: Decimal | None
) -> None:
    """So that none needs more slices a second than its order has; a last one may be all that is left."""
    before = order()
    wanted = Amendment(
        quantity=quantity,
        end=None if end is None else Nanos(T0 + end),
        limit=limit,
        limit_set=limit is not None,
    )
    try:
        plan = amend(before, wanted, now=Nanos(T0 + 35 * SECOND // 10), limits=LIMITS, reference=reference)
    except InvalidRequest:
        return
    assert plan.interval >= before.plan.interval or plan.slice_count - plan.first == 1
