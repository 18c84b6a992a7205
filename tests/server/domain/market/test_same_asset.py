"""domain/market/same_asset.py: which of several books of one symbol show the same asset."""

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_server.domain.market.same_asset import agree, agreeing

FIVE = Decimal("0.05")
MIDS = st.dictionaries(st.sampled_from("abcdef"), st.decimals("0.00001", "200", places=5), max_size=6)


@pytest.mark.parametrize(
    ("mids", "kept"),
    [
        ((), ""),
        (("7",), "a"),
        (("100", "105"), "ab"),
        (("100", "105.01"), ""),
        (("0.1", "0.00007"), ""),
        (("0.1", "0.00007", "0.101"), "ac"),
        (("1", "2", "3"), ""),
        (("100", "104", "108"), "b"),
        (("100", "101", "200", "201"), ""),
        (("100", "101", "102", "201"), "abc"),
    ],
)
def test_which_agree(mids: tuple[str, ...], kept: str) -> None:
    named = dict(zip("abcdef", map(Decimal, mids), strict=False))
    assert agreeing(named, FIVE) == set(kept)


@given(MIDS)
def test_those_that_agree_agree_each_with_each(mids: dict[str, Decimal]) -> None:
    kept = agreeing(mids, FIVE)
    assert all(agree(mids[one], mids[other], FIVE) for one, other in combinations(kept, 2))
    assert kept or len(mids) != 1


@given(MIDS)
def test_all_are_kept_where_all_agree_and_the_order_does_not_matter(mids: dict[str, Decimal]) -> None:
    if all(agree(mids[one], mids[other], FIVE) for one, other in combinations(mids, 2)):
        assert agreeing(mids, FIVE) == mids.keys()
    assert agreeing(dict(reversed(mids.items())), FIVE) == agreeing(mids, FIVE)
