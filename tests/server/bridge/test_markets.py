"""ccxt's markets as instruments: which are taken, and their steps in all three of ccxt's ways."""

from typing import Any

import pytest

from twap_server.bridge.markets import listed
from twap_server.exchanges.ccxt import wire

PLACES, SIGNIFICANT, TICK = 2, 3, 4
SPOT: dict[str, Any] = {
    "symbol": "BTC/KRW",
    "id": "KRW-BTC",
    "base": "BTC",
    "quote": "KRW",
    "spot": True,
    "swap": False,
    "active": True,
    "precision": {"amount": 1e-08, "price": 1000.0},
    "limits": {"amount": {"min": None}, "cost": {"min": 5000.0}},
}
SWAP: dict[str, Any] = {
    "symbol": "BTC/USDT:USDT",
    "id": "BTC-USDT-SWAP",
    "base": "BTC",
    "quote": "USDT",
    "settle": "USDT",
    "spot": False,
    "swap": True,
    "linear": True,
    "contractSize": 0.01,
    "precision": {"amount": 0.1, "price": 0.1},
    "limits": {"amount": {"min": 0.1}, "cost": {}},
}


def described(market: dict[str, Any], mode: int) -> wire.Market:
    found = listed(market, mode)
    assert found is not None
    return found


def test_a_spot_market() -> None:
    found = described(SPOT, TICK)
    assert (found.tick, found.lot, found.min_quantity, found.min_notional) == (
        "1000",
        "0.00000001",
        "0",
        "5000",
    )
    assert (found.alias, found.settle, found.status) == ("KRW-BTC", "", "trading")


def test_a_swap_counts_base_currency_and_is_not_found_by_its_own_name() -> None:
    found = described(SWAP, TICK)
    assert (found.tick, found.lot, found.min_quantity) == ("0.1", "0.001", "0.001")
    assert (found.contract_size, found.settle, found.alias) == ("0.01", "USDT", "")


@pytest.mark.parametrize(
    ("mode", "precision", "tick", "lot", "digits"),
    [
        (TICK, {"amount": 0.5, "price": 0.25}, "0.25", "0.5", 0),
        (PLACES, {"amount": 8, "price": 2}, "0.01", "0.00000001", 0),
        (PLACES, {"amount": 0, "price": 0}, "1", "1", 0),
        (SIGNIFICANT, {"amount": 8, "price": 5}, "0.00000001", "0.00000001", 5),
        (TICK, {"amount": None, "price": None}, "0", "0", 0),
        (SIGNIFICANT, {}, "0", "0", 0),
    ],
)
def test_steps_are_written_in_three_ways(
    mode: int, precision: dict[str, Any], tick: str, lot: str, digits: int
) -> None:
    found = described(SPOT | {"precision": precision}, mode)
    assert (found.tick, found.lot, found.price_digits) == (tick, lot, digits)


@pytest.mark.parametrize(
    "other",
    [
        SWAP | {"linear": False},
        SWAP | {"swap": False, "future": True},
        SWAP | {"swap": False, "option": True},
        SWAP | {"settle": None},
        SWAP | {"contractSize": None},
    ],
)
def test_other_contracts_are_left_out(other: dict[str, Any]) -> None:
    assert listed(other, TICK) is None


def test_one_that_does_not_trade_says_so() -> None:
    assert described(SPOT | {"active": False}, TICK).status == "inactive"
    assert described(SPOT | {"active": None}, TICK).status == "trading"
