"""domain/orders/realism.py: the profiles, and the latency that is drawn for each slice."""

from hypothesis import given
from hypothesis import strategies as st

from twap_models.enums import FeeSource, ImpactModel, RealismProfile
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.orders.realism import IDEAL, PROFILES, Realism


def test_the_profiles_are_what_the_documentation_says() -> None:
    found = {
        name: (one.latency // MILLISECOND, one.latency_spread // MILLISECOND, one.impact, one.fees)
        for name, one in PROFILES.items()
    }
    level, published = ImpactModel.LEVEL, FeeSource.PUBLISHED
    assert found == {
        RealismProfile.IDEAL: (0, 0, level, FeeSource.SETTINGS),
        RealismProfile.LOCAL: (5, 3, level, published),
        RealismProfile.REMOTE: (125, 20, level, published),
        RealismProfile.ADVERSE: (250, 60, ImpactModel.PRICE_SHIFT, published),
    }
    assert all(one.profile is name for name, one in PROFILES.items())
    assert PROFILES[RealismProfile.ADVERSE].half_life == 30 * SECOND


def test_an_ideal_slice_is_there_at_once() -> None:
    assert [IDEAL.drawn(b"seed", index) for index in range(100)] == [0] * 100


@given(seed=st.binary(max_size=32), index=st.integers(0, 10**9), mean=st.integers(0, 10**10), data=st.data())
def test_a_latency_lies_within_its_spread_and_is_drawn_again_the_same(
    seed: bytes, index: int, mean: int, data: st.DataObject
) -> None:
    spread = data.draw(st.integers(0, mean))
    realism = Realism(latency=mean, latency_spread=spread)
    drawn = realism.drawn(seed, index)
    assert mean - spread <= drawn <= mean + spread
    assert drawn == Realism(latency=mean, latency_spread=spread).drawn(seed, index)


def test_every_part_of_the_spread_is_as_likely() -> None:
    realism = Realism(latency=250, latency_spread=60)
    drawn = [realism.drawn(b"order", index) for index in range(12_000)]
    thirds = [sum(low <= one < low + 40 for one in drawn) for low in (190, 230, 270)]
    assert min(drawn) == 190
    assert max(drawn) == 310
    assert all(3_800 < count < 4_200 for count in thirds), thirds
    assert 249 < sum(drawn) / len(drawn) < 251


def test_the_draw_is_written_down() -> None:
    """A changed draw would make replays of recorded orders differ."""
    remote = PROFILES[RealismProfile.REMOTE]
    assert [remote.drawn(b"\x00" * 32, index) for index in range(3)] == [
        109_122_002,
        132_351_712,
        136_298_342,
    ]
