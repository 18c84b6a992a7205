"""domain/execution/matching.py: never beyond limit, cap, depth or what is wanted; one fill per level."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from twap_models.enums import Side, SliceReason
from twap_server.domain.execution.matching import (
    ExchangeLevels,
    Match,
    PriceBounds,
    VenueLevel,
    match,
    match_at_touch,
    slippage_bound,
)
from twap_server.domain.market.events import PriceLevel

ASKS = [PriceLevel(Decimal(p), Decimal(q)) for p, q in [("100", "1"), ("101", "2"), ("103", "5")]]


BUY = PriceBounds(side=Side.BUY)


def on(exchange: str, *levels: tuple[str, str], fee: str = "0") -> ExchangeLevels:
    return ExchangeLevels(
        exchange=exchange,
        levels=[PriceLevel(Decimal(p), Decimal(q)) for p, q in levels],
        fee=Decimal(fee),
    )


def buy(wanted: str, **bounds: Decimal) -> Match:
    return match(
        Decimal(wanted), [ExchangeLevels(exchange="a", levels=ASKS)], PriceBounds(side=Side.BUY, **bounds)
    )


def taken(made: Match) -> list[tuple[str, int, str]]:
    return [(fill.exchange, int(fill.price), f"{fill.quantity:f}") for fill in made.fills]


def test_walks_the_levels_best_first() -> None:
    made = buy("2.5")
    assert taken(made) == [("a", 100, "1"), ("a", 101, "1.5")]
    assert made.stopped_by is None


def test_stops_at_the_limit() -> None:
    made = buy("5", limit=Decimal(101))
    assert (made.filled, made.stopped_by) == (Decimal(3), SliceReason.LIMIT_NOT_MET)


def test_stops_where_the_display_ends() -> None:
    made = buy("9")
    assert (made.filled, made.stopped_by) == (Decimal(8), SliceReason.DEPTH_EXHAUSTED)


def test_slippage_is_measured_from_the_mid() -> None:
    cap = slippage_bound(Side.BUY, Decimal(100), Decimal(100))
    assert cap == Decimal(101)
    made = buy("9", cap=cap)
    assert (made.filled, made.stopped_by) == (Decimal(3), SliceReason.SLIPPAGE_CAP)
    assert slippage_bound(Side.SELL, Decimal(100), Decimal(100)) == Decimal(99)


def test_what_was_taken_before_is_not_there() -> None:
    made = match(
        Decimal(1),
        [ExchangeLevels(exchange="a", levels=ASKS)],
        BUY,
        available=lambda offer: offer.quantity - 1,
    )
    assert made.fills == (VenueLevel("a", Decimal(101), Decimal(1)),)


def test_at_the_touch_the_whole_slice_fills_whatever_is_shown() -> None:
    ladders = [ExchangeLevels(exchange="a", levels=ASKS)]
    assert match_at_touch(Decimal(50), ladders, BUY).fills == (VenueLevel("a", Decimal(100), Decimal(50)),)
    assert match_at_touch(Decimal(50), ladders, PriceBounds(side=Side.BUY, limit=Decimal(99))).fills == ()


def test_several_exchanges_are_walked_by_what_a_level_really_costs() -> None:
    cheap = on("cheap", ("100", "1"), ("104", "1"), fee="0.03")
    free = on("free", ("101", "1"), ("102", "1"))
    made = match(Decimal(3), [cheap, free], BUY)
    assert taken(made) == [("free", 101, "1"), ("free", 102, "1"), ("cheap", 100, "1")]


def test_a_seller_meets_the_bid_that_leaves_most_after_fees_first() -> None:
    made = match(
        Decimal(2),
        [on("dear", ("100", "1"), fee="0.02"), on("free", ("99", "1"))],
        PriceBounds(side=Side.SELL),
    )
    assert taken(made) == [("free", 99, "1"), ("dear", 100, "1")]


def test_a_limit_ends_one_exchange_and_not_the_other() -> None:
    made = match(
        Decimal(9),
        [on("a", ("100", "1"), ("105", "9")), on("b", ("101", "2"), ("102", "1"))],
        PriceBounds(side=Side.BUY, limit=Decimal(102)),
    )
    assert taken(made) == [("a", 100, "1"), ("b", 101, "2"), ("b", 102, "1")]
    assert made.stopped_by is SliceReason.LIMIT_NOT_MET


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
    bounds = PriceBounds(side=side, limit=None if limit is None else Decimal(limit))
    made = match(Decimal(wanted), [ExchangeLevels(exchange="a", levels=book)], bounds)
    shown = dict(book)
    assert all(0 < fill.quantity <= shown[fill.price] for fill in made.fills)
    assert len({fill.price for fill in made.fills}) == len(made.fills)
    assert limit is None or all(side.sign * (fill.price - limit) <= 0 for fill in made.fills)
    assert made.filled <= wanted
    assert (made.stopped_by is None) == (made.filled == wanted)
