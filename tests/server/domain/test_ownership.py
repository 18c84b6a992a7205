"""Parts of an exchange: which symbols belong to which, and the names of their leases."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_server.domain.ownership import (
    MOST_PARTS,
    ExchangePart,
    is_of_a_part,
    lease_of_exchange,
    lease_of_partition,
    part_of,
    part_of_lease,
    parts_of,
    whole_of,
)

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
DIVISIONS = st.integers(1, MOST_PARTS)


@given(st.text(max_size=30), DIVISIONS)
def test_each_symbol_is_in_exactly_one_part(symbol: str, of: int) -> None:
    assert [part.number for part in parts_of("binance", of) if part.has(symbol)] == [part_of(symbol, of)]


@pytest.mark.parametrize("of", [2, 3, 4, 7, 16, 64])
def test_symbols_are_spread_evenly(of: int) -> None:
    counted = Counter(part_of(f"COIN{number}-USDT", of) for number in range(400 * of))
    assert sorted(counted) == list(range(1, of + 1))
    assert all(300 < count < 500 for count in counted.values()), counted


def test_the_part_of_a_symbol_is_the_same_in_each_release() -> None:
    found = [part_of(symbol, 4) for symbol in ("BTC-USDT", "ETH-USDT", "SOL-USDT", "größer")]
    assert found == [1, 2, 2, 3]
    assert part_of("BTC-USDT", 1) == 1


@given(NAMES, DIVISIONS, st.data())
def test_a_lease_names_its_part(exchange: str, of: int, data: st.DataObject) -> None:
    part = ExchangePart(exchange, of, data.draw(st.integers(1, of)))
    assert part_of_lease(part.lease) == part
    assert is_of_a_part(part.lease) is (of > 1)
    assert whole_of(part.lease) == lease_of_exchange(exchange)


def test_an_exchange_that_is_not_split_has_the_lease_it_had() -> None:
    assert [one.lease for one in parts_of("binance", 1)] == ["exchange/binance"]
    assert [one.lease for one in parts_of("binance", 2)] == [
        "exchange/binance/1-of-2",
        "exchange/binance/2-of-2",
    ]
    assert [str(one) for one in (*parts_of("kraken", 1), ExchangePart("binance", 4, 2))] == [
        "kraken",
        "binance (part 2 of 4)",
    ]


def test_a_lease_of_something_else_is_of_no_exchange() -> None:
    for name in (lease_of_partition(3), "exchange/binance/2", "exchange/binance/2-of-4/x"):
        with pytest.raises(ValueError, match="is no lease of an exchange"):
            part_of_lease(name)
    assert not is_of_a_part(lease_of_partition(3))
