"""domain/orders/rules.py: each rule, its order, and messages that name field, value and what would do."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from twap_models.enums import Carry, Fidelity, LateStart, RejectReason, Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.orders.rules import (
    Admitted,
    OrderLimits,
    broken_terms,
    broken_window,
    normalised,
    plan_of,
)
from twap_server.domain.orders.terms import OrderRequest, Plan, Rejection
from twap_server.domain.orders.trading_rules import trading_rules_of

NOW = Nanos(1_700_000_000 * SECOND)
LIMITS = OrderLimits(max_slices=1_000, min_interval=SECOND // 10, max_duration=100_000 * SECOND)
BTC = Instrument(
    id=InstrumentId("binance", "BTC-USDT"),
    native="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(5),
    status="trading",
)
REQUEST = OrderRequest(
    token_id="a",
    exchange="binance",
    symbol="BTCUSDT",
    side=Side.BUY,
    quantity=Decimal(1),
    limit=None,
    start=None,
    end=Nanos(NOW + 60 * SECOND),
    interval=SECOND,
    slices=None,
    carry=Carry.CATCH_UP,
    late_start=LateStart.COMPRESS,
    max_slippage_bps=None,
    fidelity=Fidelity.DEPTH,
)


def judge(
    request: OrderRequest, *, instrument: Instrument = BTC, mid: str | None = "50000"
) -> Admitted | Rejection:
    reference = None if mid is None else Decimal(mid)
    rules = trading_rules_of([instrument], {}, exchange="binance")
    fit = normalised(request, rules, reference=reference)
    broken = [
        *broken_window(request, now=NOW, limits=LIMITS),
        *broken_terms(request, rules, fit, now=NOW, limits=LIMITS),
    ]
    return broken[0] if broken else plan_of(request, rules, fit, now=NOW)


def plan(request: OrderRequest, **options: str) -> Plan:
    made = judge(request, **options)  # type: ignore[arg-type]
    assert isinstance(made, Admitted), made
    return made.plan


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"end": Nanos(NOW)}, RejectReason.WINDOW_ELAPSED, "end_time"),
        ({"start": Nanos(NOW + 61 * SECOND)}, RejectReason.INVALID_WINDOW, "must lie after start_time"),
        ({"end": Nanos(NOW + 200_000 * SECOND)}, RejectReason.INVALID_WINDOW, "longer than"),
        ({"interval": 0}, RejectReason.INVALID_INTERVAL, "at least 0.1 s"),
        ({"interval": SECOND // 20}, RejectReason.INVALID_INTERVAL, "interval 0.05 s"),
        ({"end": Nanos(NOW + 2_000 * SECOND)}, RejectReason.INVALID_INTERVAL, "at least 2 s"),
        ({"interval": None, "slices": 700}, RejectReason.INVALID_INTERVAL, "use at most 600 slices"),
        (
            {"quantity": Decimal(0)},
            RejectReason.INVALID_QUANTITY,
            "quantity 0 must be above 0: use at least 0.0001",
        ),
        ({"quantity": Decimal(-1)}, RejectReason.INVALID_QUANTITY, "above 0"),
        (
            {"limit": Decimal(-5)},
            RejectReason.INVALID_PRICE,
            "price -5 must be above 0: use at least one tick (0.01)",
        ),
        ({"limit": Decimal("0.001"), "quantity": Decimal(10**9)}, RejectReason.INVALID_PRICE, "one tick"),
        ({"quantity": Decimal("0.00009")}, RejectReason.BELOW_MINIMUM, "use at least 0.0001"),
        ({"max_slippage_bps": Decimal(-1)}, RejectReason.INVALID_OPTION, "max_slippage_bps"),
        ({"randomize": Decimal(51)}, RejectReason.INVALID_OPTION, "randomize 51 must lie between 0 and 50"),
        ({"participation_cap": Decimal(0)}, RejectReason.INVALID_OPTION, "participation_cap 0"),
    ],
)
def test_each_rule_names_its_reason(change: dict[str, object], reason: RejectReason, words: str) -> None:
    made = judge(replace(REQUEST, **change))  # type: ignore[arg-type]
    assert isinstance(made, Rejection)
    assert made.reason is reason
    assert words in made.detail
    assert (
        getattr(REQUEST, {"price": "limit", "end_time": "end"}.get(made.field, made.field), made) is not made
    )


@pytest.mark.parametrize(
    ("change", "nearest"),
    [
        ({"interval": SECOND // 20}, "0.1"),
        ({"end": Nanos(NOW + 2_000 * SECOND)}, "2"),
        ({"interval": None, "slices": 700}, "600"),
        ({"interval": None, "slices": 5_000, "end": Nanos(NOW + 2_000 * SECOND)}, "1000"),
        ({"quantity": Decimal(-1)}, "0.0001"),
        ({"quantity": Decimal("0.00009")}, "0.0001"),
        ({"limit": Decimal(-5)}, "0.01"),
        ({"limit": Decimal("0.001"), "quantity": Decimal(10**9)}, "0.01"),
        ({"randomize": Decimal(51)}, "50"),
        ({"participation_cap": Decimal(0)}, "0.0001"),
        ({"end": Nanos(NOW)}, None),
    ],
)
def test_the_nearest_value_breaks_that_rule_no_more(change: dict[str, Any], nearest: str | None) -> None:
    request = replace(REQUEST, **change)
    made = judge(request)
    assert isinstance(made, Rejection)
    if nearest is None:
        assert made.nearest is None
        return
    assert made.nearest == Decimal(nearest)
    units = {"interval": lambda seconds: int(seconds * SECOND), "slices": int}
    value = units.get(made.field, Decimal)(made.nearest)
    again = judge(replace(request, **{{"price": "limit"}.get(made.field, made.field): value}))
    assert not isinstance(again, Rejection) or again.field != made.field


def test_a_halted_instrument_is_not_tradable() -> None:
    made = judge(REQUEST, instrument=replace(BTC, status="halt"))
    assert isinstance(made, Rejection) and made.reason is RejectReason.NOT_TRADABLE


def test_quantity_is_floored_and_limit_rounded_to_the_safe_side() -> None:
    buy = plan(replace(REQUEST, quantity=Decimal("1.000019"), limit=Decimal("50000.019")))
    assert (buy.quantity, buy.limit) == (Decimal("1.00001"), Decimal("50000.01"))
    assert len(buy.warnings) == 2
    sell = plan(replace(REQUEST, side=Side.SELL, limit=Decimal("50000.011")))
    assert sell.limit == Decimal("50000.02")


def test_slices_below_the_minimum_are_merged() -> None:
    made = plan(replace(REQUEST, quantity=Decimal("0.00025")))
    assert made.slice_count == 2
    assert "merged into 2" in made.warnings[0]


def test_a_merger_says_the_new_interval_and_its_true_reason() -> None:
    instead = replace(REQUEST, interval=None, slices=20, end=Nanos(NOW + 600 * SECOND))
    made = plan(replace(instead, quantity=Decimal("0.0005")))
    assert (made.slice_count, made.interval) == (5, 120 * SECOND)
    assert made.warnings == (
        "20 slices would fall below the minimum of 0.0001: merged into 5, one every 2 min",
    )
    drawn = plan(replace(instead, quantity=Decimal("0.002"), randomize=Decimal(50)))
    assert drawn.warnings == (
        "20 slices with randomize 50 could fall below the minimum of 0.0001: merged into 10, one every 1 min",
    )


def test_an_hour_and_a_second_joins_the_second_and_says_so() -> None:
    made = plan(
        replace(REQUEST, quantity=Decimal("0.05"), interval=60 * SECOND, end=Nanos(NOW + 3_601 * SECOND))
    )
    assert (made.slice_count, made.interval) == (60, 60 * SECOND)
    assert made.warnings == (
        "the last slice would fall below the minimum of 0.0001: it joins the one before",
    )


def test_a_last_slice_below_the_minimum_alone_is_said_so() -> None:
    made = plan(replace(REQUEST, quantity=Decimal("0.05"), end=Nanos(NOW + 60 * SECOND + 100_000_000)))
    assert (made.slice_count, made.interval) == (60, SECOND)
    assert made.warnings == (
        "the last slice would fall below the minimum of 0.0001: it joins the one before",
    )


def test_slices_instead_of_an_interval() -> None:
    made = plan(replace(REQUEST, interval=None, slices=7))
    assert made.slice_count == 7


def test_a_late_start_compresses_shifts_or_skips() -> None:
    late = replace(REQUEST, start=Nanos(NOW - 20 * SECOND))
    compressed = plan(late)
    assert (compressed.start, compressed.end, compressed.slice_count) == (NOW, late.end, 60)
    shifted = plan(replace(late, late_start=LateStart.SHIFT))
    assert (shifted.start, shifted.end) == (NOW, late.end + 20 * SECOND)
    skipped = judge(replace(late, late_start=LateStart.SKIP))
    assert isinstance(skipped, Admitted)
    assert (skipped.plan.start, skipped.plan.slice_count, skipped.elapsed) == (late.start, 80, 20)


HOUR = 3_600 * SECOND


@pytest.mark.parametrize(
    ("late", "left", "told"),
    [
        (5 * HOUR, HOUR, "began 5 h ago: 6 h became 1 h; start_time was 2023-11-14T17:13:20Z"),
        (SECOND, 9 * SECOND, "began 1 s ago: 10 s became 9 s"),
        (1_499 * SECOND // 1_000, 60 * SECOND, "began 1.5 s ago: 1 min 1 s became 1 min"),
        (26 * HOUR + 61 * SECOND, 90 * 60 * SECOND, "began 1 d 2 h ago: 1 d 3 h became 1 h 30 min"),
    ],
)
def test_a_window_that_shrank_says_by_how_much(late: int, left: int, told: str) -> None:
    request = replace(REQUEST, start=Nanos(NOW - late), end=Nanos(NOW + left), interval=None, slices=2)
    (warning,) = plan(request).warnings
    assert warning.startswith(told)


@pytest.mark.parametrize(
    "change",
    [
        {"start": Nanos(NOW - SECOND + 1)},  # as long as a request may be on its way
        {"start": None},
        {"start": Nanos(NOW + SECOND)},
        {"start": Nanos(NOW - 5 * SECOND), "late_start": LateStart.SHIFT},
    ],
)
def test_a_window_that_kept_its_length_says_nothing(change: dict[str, Any]) -> None:
    assert plan(replace(REQUEST, **change)).warnings == ()


def test_a_start_ahead_is_kept() -> None:
    ahead = plan(replace(REQUEST, start=Nanos(NOW + 10 * SECOND)))
    assert (ahead.start, ahead.slice_count) == (NOW + 10 * SECOND, 50)


def test_a_shifted_window_keeps_its_length_and_so_its_slices() -> None:
    late = replace(
        REQUEST,
        start=Nanos(NOW - 30_000),
        end=Nanos(NOW - 30_000 + SECOND),
        interval=None,
        slices=10,
        late_start=LateStart.SHIFT,
    )
    made = plan(late)
    assert (made.start, made.end, made.interval, made.slice_count) == (NOW, NOW + SECOND, SECOND // 10, 10)


def test_a_last_bucket_too_short_for_any_timer_joins_the_one_before() -> None:
    large = replace(REQUEST, quantity=Decimal(1_000))
    made = plan(replace(large, end=Nanos(NOW + 60 * SECOND + 1_000_000)))
    assert (made.slice_count, made.interval) == (60, SECOND)
    assert "the last slice would have 0.001 s" in made.warnings[0]
    assert plan(replace(large, end=Nanos(NOW + 60 * SECOND + 60_000_000))).slice_count == 61


@pytest.mark.parametrize("slices", [7, 9, 11, 13])
def test_slices_asked_for_are_given_even_where_the_window_does_not_divide(slices: int) -> None:
    odd = replace(REQUEST, end=Nanos(NOW + slices * SECOND // 10 + 1), interval=None, slices=slices)
    assert plan(odd).slice_count == slices
