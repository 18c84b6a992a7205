"""domain/market/price_grid.py: multiples of a tick, with few significant digits."""

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_server.domain.market.price_grid import PriceGrid

BITFINEX = PriceGrid(Decimal("0.00000001"), digits=5)
HYPERLIQUID = PriceGrid(Decimal("0.1"), digits=5, whole=True)

POWERS = st.integers(-12, 2).map(Decimal(1).scaleb)
GRIDS = st.builds(PriceGrid, POWERS, st.integers(0, 8), st.booleans()) | st.sampled_from(
    [PriceGrid(Decimal(tick)) for tick in ("0.5", "25", "0.000007")]
)
PRICES = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(1, 10**12), st.integers(-18, 6)
)
WIDE = Context(prec=60)
"""For the most ticks in a price: more digits than Python's default has."""


def lies_on(grid: PriceGrid, price: Decimal) -> bool:
    """By the exchange's words, digit by digit."""
    if WIDE.remainder(price, grid.tick_size):
        return False
    few = len(f"{price:f}".replace(".", "").strip("0")) <= grid.digits
    return not grid.digits or few or (grid.whole and price == price.to_integral_value())


@pytest.mark.parametrize(
    ("grid", "price", "below", "above"),
    [
        (BITFINEX, "118945", "118940", "118950"),
        (BITFINEX, "118940", "118940", "118940"),
        (BITFINEX, "123.456", "123.45", "123.46"),
        (BITFINEX, "99999.9", "99999", "100000"),
        (BITFINEX, "0.0000123456", "0.00001234", "0.00001235"),
        (BITFINEX, "0.000000001", "0", "0.00000001"),
        (HYPERLIQUID, "118945.5", "118945", "118946"),
        (HYPERLIQUID, "12345.6", "12345", "12346"),
        (HYPERLIQUID, "1234.56", "1234.5", "1234.6"),
        (PriceGrid(Decimal("0.5")), "118945.7", "118945.5", "118946"),
        (PriceGrid(Decimal(0)), "1.23456789", "1.23456789", "1.23456789"),
    ],
)
def test_down_and_up(grid: PriceGrid, price: str, below: str, above: str) -> None:
    made = (grid.floor(Decimal(price)), grid.ceiling(Decimal(price)))
    assert made == (Decimal(below), Decimal(above))
    assert not any("E+" in str(one) for one in made), "no digit is left to an exponent"


@given(grid=GRIDS, price=PRICES)
def test_never_the_other_way_and_always_a_price(grid: PriceGrid, price: Decimal) -> None:
    low, high = grid.floor(price), grid.ceiling(price)
    assert low <= price <= high
    assert low == 0 or lies_on(grid, low)
    assert lies_on(grid, high)
    assert (grid.floor(low), grid.ceiling(high)) == (low, high)


@given(grid=GRIDS, multiple=st.integers(1, 10**9), zeros=st.integers(0, 6), near=st.integers(1, 10**6))
def test_no_price_lies_between(grid: PriceGrid, multiple: int, zeros: int, near: int) -> None:
    few = multiple % 10**grid.digits or 1 if grid.digits else multiple
    listed = few * 10**zeros * grid.tick_size
    off = Decimal(near).scaleb(listed.adjusted() - 9)
    assert lies_on(grid, listed)
    assert grid.floor(listed) == grid.ceiling(listed) == listed
    assert grid.floor(listed + off) >= listed
    assert grid.ceiling(listed - off) <= listed


@given(number=st.integers(1, 10**9), few=st.integers(1, 8))
def test_whole_numbers_are_prices_where_the_exchange_says_so(number: int, few: int) -> None:
    grid = PriceGrid(Decimal("0.01"), digits=few, whole=True)
    assert grid.floor(Decimal(number)) == grid.ceiling(Decimal(number)) == number


@pytest.mark.parametrize("price", ["0", "0.00", "-1.23456"])
def test_what_is_no_price_is_not_made_one(price: str) -> None:
    assert BITFINEX.floor(Decimal(price)) <= Decimal(price)
    assert BITFINEX.ceiling(Decimal(price)) <= 0


@pytest.mark.parametrize(
    ("tick", "digits", "is_fine"), [("0.01", 5, True), ("10", 5, True), ("0.25", 0, True), ("0.25", 5, False)]
)
def test_digits_need_a_tick_that_is_a_power_of_ten(tick: str, digits: int, is_fine: bool) -> None:
    assert (PriceGrid(Decimal(tick), digits).fault == "") == is_fine
