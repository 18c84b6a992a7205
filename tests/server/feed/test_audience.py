"""The readers of a book are spread over the second, and each keeps its place."""

from collections import Counter

from twap_server.feed.phases import PHASES, Audience


def phases_of(audience: Audience[int]) -> dict[int, int]:
    return {reader: phase for phase in range(PHASES) for reader in audience.at(phase)}


def test_a_phase_is_filled_before_another_is_opened_and_then_all_grow_alike() -> None:
    audience = Audience[int](7)
    for reader in range(100):
        audience.add(reader)
    assert set(phases_of(audience).values()) == {7}
    for reader in range(100, 250):
        audience.add(reader)
    assert Counter(phases_of(audience).values()) == {7: 100, 0: 100, 3: 50}, "two more, far from the first"
    for reader in range(250, 5_000):
        audience.add(reader)
    assert Counter(phases_of(audience).values()) == dict.fromkeys(range(PHASES), 500)


def test_who_stays_keeps_its_phase_and_a_hole_is_filled() -> None:
    audience = Audience[int](0)
    for reader in range(1_000):
        audience.add(reader)
    before = phases_of(audience)
    for reader in range(200, 300):
        audience.discard(reader)
    audience.discard(200)
    assert 200 not in audience
    assert len(audience) == 900
    audience.add(5)
    audience.add(2_000)
    after = phases_of(audience)
    assert after.pop(2_000) == before[250]
    assert after == {reader: phase for reader, phase in before.items() if reader in after}
    assert list(audience.all())[-1] == 2_000
