"""Costs of many orders, added up: exact, each currency for itself, and nothing that is not known."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from twap_server.domain import exact
from twap_server.domain.tca.totals import CostTotals, Tally


def tally(shortfall: Any = 1, reference: Any = 1_000, *, quote: str = "USDT", **more: Any) -> Tally:
    def number(given: Any) -> Decimal | None:
        return None if given is None else Decimal(str(given))

    given = {"filled": Decimal(1), "notional": Decimal(900), "is_known": True, **more}
    return Tally(order_id="o", quote=quote, shortfall=number(shortfall), reference=number(reference), **given)


def added(*tallies: Tally) -> CostTotals:
    totals = CostTotals()
    for one in tallies:
        totals.add(one)
    return totals


def test_nothing_adds_up_to_nothing() -> None:
    none = added()
    assert (none.orders, none.mean_bps, none.median_bps, none.worst_bps) == (0, None, None, None)
    assert none.bps_by_quote == {}


def test_a_mean_is_weighted_by_size_and_a_median_is_not() -> None:
    totals = added(tally(1, 1_000), tally(9, 1_000), tally(0, 8_000))
    assert totals.mean_bps == 10
    assert (totals.median_bps, totals.worst_bps) == (10, 90)
    assert totals.shortfall == {"USDT": 10}
    assert added(tally(1, 1_000), tally(2, 1_000)).median_bps == 15
    assert added(tally(-1, 1_000), tally(-2, 1_000)).worst_bps == -10


def test_currencies_have_no_common_sum() -> None:
    totals = added(tally(1), tally(2, quote="EUR"), tally(3, quote="EUR"))
    assert totals.mean_bps is None
    assert totals.bps_by_quote == {"USDT": 10, "EUR": 25}
    assert totals.notional == {"USDT": 900, "EUR": 1_800}
    assert totals.median_bps == 20


def test_what_is_not_known_counts_as_pending_and_what_has_no_price_as_unpriced() -> None:
    unknown = tally(None, None, is_known=False, filled=Decimal(0), notional=Decimal(0))
    totals = added(tally(), unknown, tally(None, 5), tally(1, None), tally(1, 0), tally(None, None))
    assert (totals.orders, totals.filled_orders, totals.pending, totals.unpriced) == (6, 5, 1, 4)
    assert (totals.shortfall, totals.mean_bps, totals.bps) == ({"USDT": 1}, 10, [10])


def test_forecasts_are_compared_where_both_figures_are_known() -> None:
    known = {"spread": Decimal(1), "depth": Decimal(1), "decision_price": Decimal(1_000), "fees": Decimal(1)}
    both = tally(forecast_bps=Decimal(20), **known)
    totals = added(
        both,
        tally(**known),
        tally(forecast_bps=Decimal(99)),
        tally(forecast_bps=Decimal(99), quote="EUR", **known | {"filled": Decimal(0)}),
    )
    (quote,) = totals.forecasts
    one = totals.forecasts[quote]
    assert (quote, one.orders, one.expected_bps, one.trading_bps) == ("USDT", 1, 20, 30)


NUMBERS = st.decimals(-(10**15), 10**15, places=12, allow_nan=False)


@given(st.lists(st.tuples(NUMBERS, st.decimals(1, 10**9, places=8)), min_size=1, max_size=30))
def test_sums_keep_every_digit_in_any_order(costs: list[tuple[Decimal, Decimal]]) -> None:
    one = added(*(tally(shortfall, reference) for shortfall, reference in costs))
    other = added(*(tally(shortfall, reference) for shortfall, reference in reversed(costs)))
    assert one.shortfall["USDT"] == other.shortfall["USDT"] == exact.total(amount for amount, _ in costs)
    assert (one.mean_bps, one.median_bps, one.worst_bps) == (
        other.mean_bps,
        other.median_bps,
        other.worst_bps,
    )
