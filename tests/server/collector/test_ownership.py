"""A book is registered exactly while it is fed: whatever is wanted, dropped, refused late or reconnected."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import examples
from support.collector.memory import BASES, play

DEEDS = st.tuples(
    st.sampled_from(("want", "want", "drop", "drop", "mute", "cut", "retire")),
    st.sampled_from([f"{base}-USD" for base in BASES]),
    st.sampled_from((0, 0, 0.001, 0.3, 1.1, 12)),
)


@pytest.mark.parametrize("name", ["binance", "kraken"])
@settings(max_examples=examples.of(15), deadline=None)
@given(deeds=st.lists(DEEDS, max_size=14))
def test_the_book_that_readers_find_is_the_one_that_is_fed(name: str, deeds) -> None:
    play(name, deeds)


@pytest.mark.parametrize("name", ["binance", "kraken"])
def test_a_book_wanted_again_while_its_unsubscription_waits_is_fed(name: str) -> None:
    wants = [("want", f"{base}-USD", 0) for base in BASES]
    drops = [("drop", f"{base}-USD", 0) for base in BASES]
    play(name, [*wants, ("", "", 10), *drops, ("", "", 0.3), *wants])


@pytest.mark.parametrize("again", [[], [("want", "BTC-USD", 0)], [("want", "ETH-USD", 12)]])
def test_a_book_dropped_after_nobody_acknowledged_it_holds_up_no_other(again) -> None:
    play("kraken", [("mute", "", 1.1), ("want", "BTC-USD", 12), ("drop", "BTC-USD", 1.1), *again])


@pytest.mark.parametrize("wait", [0, 0.3, 1.1])
def test_a_book_wanted_again_during_a_takeover_is_fed(wait: float) -> None:
    wants = [("want", f"{base}-USD", 0) for base in BASES]
    drops = [("drop", f"{base}-USD", 0) for base in BASES]
    play("binance", [*wants, ("", "", 10), ("retire", "", wait), *drops, ("", "", wait), *wants])
