"""The figures that are kept of a closed order are those of its report, to the last digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.records import at
from support.store.closed import expired, sold, unpriced
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.headline import SETTLED_AFTER, figures_of, is_settled
from twap_server.domain.tca.report import report


@pytest.mark.parametrize("record", [expired(), sold(), unpriced()], ids=["expired", "sold", "unpriced"])
def test_they_are_the_reports(record: OrderRecord) -> None:
    found, whole = figures_of(record), report(record)
    costs, market = whole.costs, whole.benchmarks
    assert (found.shortfall, found.delay, found.timing) == (
        costs.implementation_shortfall, costs.delay, costs.timing
    )  # fmt: skip
    assert (found.spread, found.depth, found.opportunity) == (costs.spread, costs.depth, costs.opportunity)
    assert found.reference == costs.reference
    for amount in (found.shortfall, found.delay, found.spread, costs.fees, None):
        assert found.bps(amount) == costs.bps(amount)
    assert found.decision_price == (whole.prices.decision and whole.prices.decision.value)
    assert found.arrival_price == (whole.prices.arrival and whole.prices.arrival.value)
    assert (found.slippage_bps, found.twap_slippage_bps) == (
        market.arrival_slippage_bps, market.market_twap_slippage_bps
    )  # fmt: skip
    assert (found.vwap_slippage_bps, found.participation_percent) == (
        market.market_vwap_slippage_bps, market.participation_percent
    )  # fmt: skip


@given(st.integers(0, 200))
def test_what_comes_after_the_last_mark_out_changes_nothing(seconds: int) -> None:
    ended, now = at(40), Nanos(at(40) + seconds * 1_000_000_000)
    assert is_settled(ended, now) == (now - ended >= SETTLED_AFTER)
    assert not is_settled(ended, at(100)), "its last mark-out may come a second later"
