"""The readers of a book are spread over the second, and each keeps its place."""

from collections import Counter

from twap_server.feed.phases import PHASES, StaggeredSubscribers


def phases_of(subscribers: StaggeredSubscribers[int]) -> dict[int, int]:
    return {reader: phase for phase in range(PHASES) for reader in subscribers.at(phase)}


def test_a_phase_is_filled_before_another_is_opened_and_then_all_grow_alike() -> None:
    subscribers = StaggeredSubscribers[int](7)
    for reader in range(100):
        subscribers.add(reader)
    assert set(phases_of(subscribers).values()) == {7}
    for reader in range(100, 250):
        subscribers.add(reader)
    assert Counter(phases_of(subscribers).values()) == {7: 100, 0: 100, 3: 50}, "two more, far from the first"
    for reader in range(250, 5_000):
        subscribers.add(reader)
    assert Counter(phases_of(subscribers).values()) == dict.fromkeys(range(PHASES), 500)


def test_who_stays_keeps_its_phase_and_a_hole_is_filled() -> None:
    subscribers = StaggeredSubscribers[int](0)
    for reader in range(1_000):
        subscribers.add(reader)
    before = phases_of(subscribers)
    for reader in range(200, 300):
        subscribers.discard(reader)
    subscribers.discard(200)
    assert 200 not in subscribers
    assert len(subscribers) == 900
    subscribers.add(5)
    subscribers.add(2_000)
    after = phases_of(subscribers)
    assert after.pop(2_000) == before[250]
    assert after == {reader: phase for reader, phase in before.items() if reader in after}
    assert list(subscribers.all())[-1] == 2_000
