"""domain/execution/impact.py: the same size is not taken twice, and memory fades."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from twap_models.enums import Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.impact import ImpactMemory, LevelKey
from twap_server.domain.market.instrument import InstrumentId

KEY = LevelKey("ada", InstrumentId("binance", "BTC-USDT"), Side.BUY, Decimal(100))
LOT = Decimal("0.1")


class Memory(ImpactMemory):
    """4 taken at second 0; the test moves the time."""

    def __init__(self) -> None:
        self.seconds = 0
        super().__init__(half_life=10 * SECOND, monotonic=lambda: Nanos(self.seconds * SECOND))
        self.take(KEY, Decimal(4), level_epoch=1)


def memory() -> Memory:
    return Memory()


def left(made: Memory, seconds: int, *, level_epoch: int | None = 1, key: LevelKey = KEY) -> Decimal:
    made.seconds = seconds
    return made.remembered(key, level_epoch=level_epoch, lot=LOT)


def test_halves_every_half_life_and_is_rounded_against_the_user() -> None:
    assert [left(memory(), s) for s in (0, 10, 20)] == [Decimal(4), Decimal(2), Decimal(1)]
    assert left(memory(), 5) == Decimal("2.9")  # 4 / sqrt 2 = 2.828…


def test_what_is_below_a_lot_is_forgotten() -> None:
    assert left(memory(), 60) == 0


def test_ends_when_the_exchange_removed_the_level() -> None:
    made = memory()
    assert left(made, 0, level_epoch=2) == 0
    assert left(made, 0, level_epoch=1) == 0, "the old level does not come back"


def test_other_users_are_not_affected() -> None:
    assert left(memory(), 0, key=KEY._replace(user_id="bob")) == 0


def test_takes_add_up_on_what_is_still_remembered() -> None:
    made = memory()
    made.seconds = 10
    made.take(KEY, Decimal(1), level_epoch=1)
    assert left(made, 10) == Decimal(3)


def test_pruned_once_decayed() -> None:
    made = memory()
    made.seconds = 1_000
    made.settle()
    assert len(made) == 0


@given(
    takes=st.lists(st.tuples(st.integers(0, 30_000_000_000), st.integers(1, 10**6)), min_size=1, max_size=6),
    wait=st.integers(0, 10**11),
)
def test_counted_in_steps_it_is_never_less_than_the_true_curve_and_hardly_more(
    takes: list[tuple[int, int]], wait: int
) -> None:
    now, true = 0, Decimal(0)
    made = ImpactMemory(half_life=10 * SECOND, monotonic=lambda: Nanos(now))
    for later, quantity in [*takes, (wait, 0)]:
        now += later
        true *= Decimal(2) ** (Decimal(-later) / (10 * SECOND))
        if quantity:
            true += quantity
            made.take(KEY, Decimal(quantity), level_epoch=1)
    fine = Decimal("1E-12")
    found = made.remembered(KEY, level_epoch=1, lot=fine)
    step = Decimal(2) ** (Decimal(len(takes)) / 1024)
    assert true * (1 - fine) - fine <= found <= true * step * (1 + fine) + fine


def test_the_oldest_go_first_and_what_was_taken_since_stays() -> None:
    made = memory()
    made.settle()
    made.seconds = 300
    young = KEY._replace(price=Decimal(101))
    made.take(young, Decimal(1), level_epoch=1)
    made.settle()
    made.seconds = 500
    made.settle()
    assert len(made) == 1
    made.take(KEY, Decimal(1), level_epoch=1)
    made.take_back()
    assert (len(made), left(made, 500, key=KEY)) == (1, 0)


def test_what_could_not_be_recorded_was_not_taken() -> None:
    made = memory()
    made.settle()
    other = KEY._replace(price=Decimal(101))
    for key in (KEY, other, KEY):
        made.take(key, Decimal(1), level_epoch=1)
    made.take_back()
    assert (left(made, 0), left(made, 0, key=other)) == (Decimal(4), Decimal(0))


def test_a_coarser_order_does_not_make_the_finer_rest_disappear() -> None:
    made = memory()
    assert left(made, 40) == Decimal("0.3")  # 0.25, rounded up
    made.take(KEY, Decimal(2), level_epoch=1)
    assert made.remembered(KEY, level_epoch=1, lot=Decimal("0.01")) == Decimal("2.25")


def test_who_only_looks_sees_what_was_recorded_and_changes_nothing() -> None:
    made, other = memory(), KEY._replace(price=Decimal(101))
    made.settle()
    made.take(KEY, Decimal(1), level_epoch=1)
    made.take(other, Decimal(1), level_epoch=1)

    def seen(key: LevelKey, level_epoch: int | None = 1) -> Decimal:
        return made.settled(key, level_epoch=lambda: level_epoch, lot=LOT)

    assert (seen(KEY), seen(other)) == (Decimal(4), Decimal(0)), "not recorded yet"
    made.settle()
    assert (seen(KEY), seen(other)) == (Decimal(5), Decimal(1))
    made.seconds = 10
    assert seen(KEY) == made.remembered(KEY, level_epoch=1, lot=LOT) == Decimal("2.5")
    assert seen(KEY, level_epoch=2) == 0, "a new level"
    assert seen(KEY) == Decimal("2.5"), "looking forgets nothing"
    assert made.settled(KEY._replace(user_id="bob"), level_epoch=lambda: 1 // 0, lot=LOT) == 0


def test_what_was_in_doubt_counts_until_it_is_known() -> None:
    for was_recorded, then in ((True, Decimal(3)), (False, Decimal(2))):
        made = memory()
        made.settle()
        made.seconds = 10
        made.take(KEY, Decimal(1), level_epoch=1)
        made.doubt()
        made.settle()
        made.take(KEY, Decimal(5), level_epoch=1)
        made.take_back()
        assert left(made, 10) == 3, "nobody knows yet: it is not taken a second time"
        made.resolve(was_recorded=was_recorded)
        assert left(made, 10) == then
