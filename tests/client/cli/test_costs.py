"""What closed orders cost: each in a row that is whole at every width, and the sum."""

import pytest

from support.client import Twap, drawn
from twap_client.cli.costs import view
from twap_client.testing import Reply, ScriptedServer
from twap_client.testing.examples import NOON
from twap_models.costs import CostPage

UUID = "2b420b08-a601-472d-beee-95cfa3c878ad"
LONG = "-123456.123456789012345678"
ORDER = {
    "token_id": UUID, "exchange": "aggregate", "symbol": "BTC-USDT", "instrument": "BTC-USDT", "side": "sell",
    "status": "Filled", "quantity": "1", "filled_quantity": "0.123456789012", "average_price": "61837.64",
    "notional": "61837.64", "fees": "0.000000123456", "shortfall": LONG, "shortfall_bps": "-12.3456",
    "forecast_bps": "3.125", "trading_bps": "-4.565", "started": NOON, "ended": NOON,
}  # fmt: skip
SUMMARY = {
    "orders": 120, "filled_orders": 7, "pending": 2, "notional_by_quote": {"USDT": "61837.64"},
    "shortfall_by_quote": {"USDT": LONG}, "shortfall_bps_by_quote": {"USDT": "-1.005"}, "median_bps": "1.2",
    "worst_bps": "9.875",
    "forecast_by_quote": {"USDT": {"orders": 5, "forecast_bps": "1.015", "trading_bps": "1.305"}},
}  # fmt: skip


def page(**fields: object) -> CostPage:
    return CostPage.model_validate({"orders": [ORDER], "summary": SUMMARY, "next": "more"} | fields)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_nothing_is_cut(width: int) -> None:
    whole = "\n".join(drawn(view(page()), width))
    for part in (
        UUID,
        LONG,
        "● Filled",
        "sell",
        "0.123456789012",
        "-12.35",
        "3.12",
        "-4.56",
        "0.000000123456",
        "aggregate",
    ):
        assert part in whole, whole
    for part in (
        "120 closed orders, 7 of them", "median 1.20 bps", "worst 9.88 bps", "2 not computed yet",
        "of 5 orders: expected 1.02 bps, came to 1.30 bps",
    ):  # fmt: skip
        assert part in whole.replace("\n", " "), whole


def test_a_cost_that_is_not_computed_yet_says_so() -> None:
    pending = ORDER | {"pending": True, "shortfall": None, "shortfall_bps": None}
    assert "not computed yet" in "\n".join(drawn(view(page(orders=[pending])), 120))
    assert "no closed orders" in drawn(view(CostPage(orders=[])), 80)[0]


async def test_the_command_filters_and_says_that_there_are_more(
    signed_in: Twap, server: ScriptedServer
) -> None:
    answer = Reply(body=page().to_wire())
    server.script("GET", "/costs", answer, answer, answer)
    shown = await signed_in(
        "costs", "--exchange", "binance", "--side", "SELL", "--since", "2026-01-01T00:00:00Z", "--limit", "1"
    )
    assert shown.code == 0 and UUID in shown.out
    assert "the newest 1 of 120" in shown.err
    asked = server.requests[-1].query
    assert (asked["exchange"], asked["side"], asked["limit"]) == ("binance", "sell", "1")
    assert asked["start_time"].startswith("2026-01-01T00:00:00")
    assert (await signed_in("costs", "-o", "csv")).out.splitlines()[1].startswith(UUID)
    assert '"summary"' in (await signed_in("costs", "--json")).out
