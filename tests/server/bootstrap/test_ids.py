"""Ids of orders, users, sign-ins and keys."""

from support.clocks import EPOCH, HandClock
from twap_server.bootstrap.ids import ordered_ids
from twap_server.domain.clock import MILLISECOND, Nanos


def test_ids_sort_by_the_millisecond_and_never_repeat() -> None:
    clock = HandClock(EPOCH)
    new_id = ordered_ids(clock)
    made = []
    for _ in range(1_000):
        made.append(new_id())
        clock.time = Nanos(clock.time + MILLISECOND)
    assert made == sorted(made)
    assert {len(one) for one in made} == {32}
    clock.time = EPOCH
    again = [new_id() for _ in range(1_000)]
    assert len({*made, *again}) == 2_000, "a clock that goes back, and many in one moment"
