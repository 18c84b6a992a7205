"""ccxt's numbers as texts: nothing is lost that a float has, and what is none is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_server.bridge.numbers import decimal_of, price_of, quantity_of


@given(st.integers(0, 10**15 - 1), st.integers(-18, 6))
def test_fifteen_digits_come_back_from_their_float(digits: int, exponent: int) -> None:
    number = Decimal(digits).scaleb(exponent)
    assert Decimal(price_of(float(str(number)))) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-08, "0.00000001"),
        (1e22, "10000000000000000000000"),
        (60000.0, "60000"),
        (100, "100"),
        (0.0, "0"),
        (-0.0, "0"),
        ("1.2300", "1.23"),
    ],
)
def test_no_exponent_and_no_needless_zero(value: object, text: str) -> None:
    assert price_of(value) == text


@pytest.mark.parametrize("value", [None, True, "x", "", float("nan"), float("inf"), -1.5, [1]])
def test_what_is_no_price_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a number"):
        decimal_of(value)


def test_contracts_become_base_currency_exactly() -> None:
    assert quantity_of(0.1, Decimal("0.0001")) == "0.00001"
    assert quantity_of(123456789012345.0, Decimal("1e-10")) == "12345.6789012345"
