"""domain/matching.py: never beyond limit, cap, depth or what is wanted; one fill per level."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from twap_models.enums import Side, SliceReason
from twap_server.domain.market import PriceLevel
from twap_server.domain.matching import match, match_at_touch, slippage_bound

ASKS = [PriceLevel(Decimal(p), Decimal(q)) for p, q in [("100", "1"), ("101", "2"), ("103", "5")]]


def test_walks_the_levels_best_first() -> None:
    made = match(Side.BUY, Decimal("2.5"), ASKS)
    assert made.fills == (PriceLevel(Decimal(100), Decimal(1)), PriceLevel(Decimal(101), Decimal("1.5")))
    assert made.stopped_by is None


def test_stops_at_the_limit() -> None:
    made = match(Side.BUY, Decimal(5), ASKS, limit=Decimal(101))
    assert (made.filled, made.stopped_by) == (Decimal(3), SliceReason.LIMIT_NOT_MET)


def test_stops_where_the_display_ends() -> None:
    made = match(Side.BUY, Decimal(9), ASKS)
    assert (made.filled, made.stopped_by) == (Decimal(8), SliceReason.DEPTH_EXHAUSTED)


def test_slippage_is_measured_from_the_mid() -> None:
    cap = slippage_bound(Side.BUY, Decimal(100), Decimal(100))
    assert cap == Decimal(101)
    made = match(Side.BUY, Decimal(9), ASKS, cap=cap)
    assert (made.filled, made.stopped_by) == (Decimal(3), SliceReason.SLIPPAGE_CAP)
    assert slippage_bound(Side.SELL, Decimal(100), Decimal(100)) == Decimal(99)


def test_what_was_taken_before_is_not_there() -> None:
    made = match(Side.BUY, Decimal(1), ASKS, available=lambda level: level.quantity - 1)
    assert made.fills == (PriceLevel(Decimal(101), Decimal(1)),)


def test_at_the_touch_the_whole_slice_fills_whatever_is_shown() -> None:
    assert match_at_touch(Side.BUY, Decimal(50), ASKS, limit=None).fills == (
        PriceLevel(Decimal(100), Decimal(50)),
    )
    assert match_at_touch(Side.BUY, Decimal(50), ASKS, limit=Decimal(99)).fills == ()


level = st.tuples(st.integers(1, 200), st.integers(1, 50))


@given(
    side=st.sampled_from(Side),
    levels=st.lists(level, max_size=20, unique_by=lambda pair: pair[0]),
    wanted=st.integers(1, 400),
    limit=st.none() | st.integers(1, 200),
)
def test_fills_obey_limit_and_display(
    side: Side, levels: list[tuple[int, int]], wanted: int, limit: int | None
) -> None:
    book = [PriceLevel(Decimal(p), Decimal(q)) for p, q in sorted(levels, reverse=side is Side.SELL)]
    made = match(side, Decimal(wanted), book, limit=None if limit is None else Decimal(limit))
    shown = dict(book)
    assert all(0 < quantity <= shown[price] for price, quantity in made.fills)
    assert len({price for price, _ in made.fills}) == len(made.fills)
    assert limit is None or all(side.sign * (price - limit) <= 0 for price, _ in made.fills)
    assert made.filled <= wanted
    assert (made.stopped_by is None) == (made.filled == wanted)
