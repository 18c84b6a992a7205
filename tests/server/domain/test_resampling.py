"""domain/resampling.py: as many draws as it says, the middle of them, and none of too few blocks."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from twap_server.domain.resampling import DRAWS, FEWEST, middle, ranked, redrawn


def summed(some: Sequence[int]) -> int:
    return sum(some)


def test_draws_are_as_many_as_there_are_blocks_and_the_same_again() -> None:
    blocks = list(range(FEWEST))
    drawn = redrawn(blocks, list, Random("a").choices)
    assert drawn is not None and len(drawn) == DRAWS
    assert {len(one) for one in drawn} == {FEWEST} and {block for one in drawn for block in one} == {*blocks}
    assert redrawn(blocks, list, Random("a").choices) == drawn != redrawn(blocks, list, Random("b").choices)


def test_too_few_blocks_are_not_drawn() -> None:
    assert redrawn(range(FEWEST - 1), summed, Random("a").choices) is None
    assert redrawn([], summed, Random("a").choices) is None


@given(st.lists(st.integers(), min_size=1, max_size=3_000))
def test_95_percent_lie_in_the_middle(values: list[int]) -> None:
    low, high = middle(values)
    below, above = (sum(one < low for one in values), sum(one > high for one in values))
    assert below * 1_000 <= len(values) * 25 and above * 1_000 <= len(values) * 25
    assert ranked(values, 0) == min(values) and ranked(values, 1_000) == max(values)
