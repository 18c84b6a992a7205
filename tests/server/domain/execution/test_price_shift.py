"""domain/execution/price_shift.py: levels out of reach, the distance walked, and how it shrinks."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from twap_models.enums import Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.price_shift import NOWHERE, ShiftMemory, SideKey, reached, within_reach
from twap_server.domain.market.events import PriceLevel
from twap_server.domain.market.instrument import InstrumentId

KEY = SideKey("ada", InstrumentId("binance", "BTC-USDT"), Side.BUY)
TICK = Decimal("0.5")


def levels(*pairs: tuple[str, str]) -> list[PriceLevel]:
    return [PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in pairs]


ASKS = levels(("100", "4"), ("101", "6"), ("105", "10"))
BIDS = levels(("99", "4"), ("98", "6"), ("94", "10"))


def left(distance: object, side: Side = Side.BUY) -> list[tuple[str, str]]:
    book = ASKS if side is Side.BUY else BIDS
    found = within_reach(book, side, Fraction(str(distance)), tick=TICK)
    return [(f"{one.price}", f"{one.quantity.normalize():f}") for one in found]


def test_whoever_walked_nowhere_sees_everything() -> None:
    assert left(0) == [("100", "4"), ("101", "6"), ("105", "10")]


def test_levels_nearer_than_the_distance_are_out_of_reach_and_keep_their_price_beyond() -> None:
    assert left(1) == [("101", "6"), ("105", "10")]
    assert left(1, Side.SELL) == [("98", "6"), ("94", "10")]


def test_of_the_level_where_the_walk_stands_the_part_beyond_is_there() -> None:
    assert left("0.25") == [("100", "3"), ("101", "6"), ("105", "10")]
    assert left(3) == [("101", "3"), ("105", "10")]


def test_the_last_level_owns_a_tick() -> None:
    assert left("5.25") == [("105", "5")]
    assert left("5.5") == []


def reach(distance: object, price: str, quantity: str, side: Side = Side.BUY) -> Fraction:
    return reached(
        ASKS if side is Side.BUY else BIDS,
        side,
        Fraction(str(distance)),
        tick=TICK,
        price=Decimal(price),
        quantity=Decimal(quantity),
    )


def test_a_part_of_a_level_is_walked_by_its_share() -> None:
    assert reach(0, "100", "1") == Fraction(1, 4)
    assert reach("0.25", "100", "1") == Fraction(1, 2)
    assert reach("0.25", "101", "3") == 3, "the level's own part begins where the level does"
    assert reach(0, "98", "3", Side.SELL) == 3
    assert reach(0, "105", "10") == Fraction(11, 2)


def test_the_best_price_may_move_and_the_distance_goes_with_it() -> None:
    moved = levels(("110", "4"), ("111", "6"))
    assert [one.price for one in within_reach(moved, Side.BUY, Fraction(1), tick=TICK)] == [Decimal(111)]


books = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 50)), min_size=1, max_size=8)


@given(gaps=books, side=st.sampled_from(Side), steps=st.lists(st.integers(1, 20), max_size=8))
def test_without_decay_pieces_take_what_one_walk_takes(
    gaps: list[tuple[int, int]], side: Side, steps: list[int]
) -> None:
    """However small the pieces: no size twice, none lost, and never more than is displayed."""
    price, book = 1_000, []
    for gap, quantity in gaps:
        price += gap * side.sign
        book.append(PriceLevel(Decimal(price), Decimal(quantity)))
    taken: dict[Decimal, Decimal] = {}
    distance = NOWHERE
    for wanted in steps:
        distance = _walk(book, side, distance, Decimal(wanted), taken)
    whole = min(sum(steps), sum(quantity for _, quantity in gaps))
    assert sum(taken.values()) == whole
    for level in book:
        expected = min(level.quantity, Decimal(whole))
        assert taken.get(level.price, Decimal(0)) == expected
        whole -= int(expected)


def _walk(
    book: Sequence[PriceLevel],
    side: Side,
    distance: Fraction,
    wanted: Decimal,
    taken: dict[Decimal, Decimal],
) -> Fraction:
    last: tuple[Decimal, Decimal] | None = None
    for level in within_reach(book, side, distance, tick=TICK):
        # quantities are rounded down to 30 decimals: whole units are meant
        part = min(level.quantity.quantize(Decimal("1e-12")), wanted)
        if part > 0:
            taken[level.price] = taken.get(level.price, Decimal(0)) + part
            wanted, last = wanted - part, (level.price, part)
    if last is None:
        return distance
    return reached(book, side, distance, tick=TICK, price=last[0], quantity=last[1])


class Clocked(ShiftMemory):
    def __init__(self) -> None:
        self.seconds = 0
        super().__init__(half_life=30 * SECOND, monotonic=lambda: Nanos(self.seconds * SECOND))


def test_the_distance_halves_every_half_life() -> None:
    memory = Clocked()
    memory.walk_to(KEY, Fraction(8))
    found = []
    for memory.seconds in (0, 30, 60, 90):
        found.append(memory.distance(KEY))
    assert found == [8, 4, 2, 1]


def test_in_between_it_is_rounded_up() -> None:
    memory = Clocked()
    memory.walk_to(KEY, Fraction(1))
    memory.seconds = 15
    assert memory.distance(KEY) ** 2 > Fraction(1, 2) - Fraction(1, 10**9)
    assert memory.distance(KEY) * 10**30 % 1 == 0, "its digits stay bounded"


def test_users_do_not_affect_one_another() -> None:
    memory = Clocked()
    memory.walk_to(KEY, Fraction(1))
    assert memory.distance(KEY._replace(user_id="bob")) == 0
    assert memory.distance(KEY._replace(side=Side.SELL)) == 0


def test_what_could_not_be_recorded_was_never_walked() -> None:
    memory = Clocked()
    memory.walk_to(KEY, Fraction(1))
    memory.settle()
    memory.walk_to(KEY, Fraction(2))
    memory.walk_to(KEY, Fraction(3))
    memory.take_back()
    assert memory.distance(KEY) == 1


def test_what_has_decayed_is_dropped() -> None:
    memory = Clocked()
    memory.walk_to(KEY, Fraction(1))
    memory.seconds = 40 * 30
    memory.settle()
    assert len(memory) == 0
