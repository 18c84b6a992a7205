"""The shared chain where each change names its predecessor."""

import pytest

from twap_server.domain.market.errors import SequenceGap
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.exchanges.chain import Chain


def link(previous: int, number: int) -> BookChange:
    return BookChange(symbol="X", bids=[], asks=[], first_id=previous + 1, last_id=number)


def started(last: int) -> Chain:
    chain = Chain(links=True)
    assert not chain.admit(link(last - 5, last))  # before the snapshot
    assert chain.splice(BookSnapshot(symbol="X", bids=[], asks=[], last_id=last)) == []
    return chain


def test_a_change_that_goes_back_and_names_the_newest_follows() -> None:
    chain = started(1000)
    assert all([chain.admit(link(1000, 1017)), chain.admit(link(1017, 15)), chain.admit(link(15, 30))])
    with pytest.raises(SequenceGap):
        chain.admit(link(1017, 15))


def test_a_change_that_says_that_nothing_changed_is_part_of_the_chain() -> None:
    chain = started(1000)
    chain.admit(link(1000, 1000))
    assert chain.admit(link(1000, 1003))
    with pytest.raises(SequenceGap):
        chain.admit(link(1009, 1009))


def test_a_change_that_goes_back_and_names_another_is_a_gap() -> None:
    chain = started(1000)
    chain.admit(link(1000, 1017))
    with pytest.raises(SequenceGap):
        chain.admit(link(990, 1000))


def test_only_the_first_change_after_a_snapshot_may_straddle_it() -> None:
    chain = started(1000)
    assert chain.admit(link(990, 1017))
    with pytest.raises(SequenceGap):
        chain.admit(link(1010, 1020))
    again = started(2000)
    with pytest.raises(SequenceGap):
        again.admit(link(2001, 2005))
