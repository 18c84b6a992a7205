"""domain/impact.py: the same size is not taken twice, and memory fades."""

from decimal import Decimal

from twap_models.enums import Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.impact import ImpactMemory, LevelKey
from twap_server.domain.instrument import InstrumentId

KEY = LevelKey("ada", InstrumentId("binance", "BTC-USDT"), Side.BUY, Decimal(100))
LOT = Decimal("0.1")


def memory() -> ImpactMemory:
    made = ImpactMemory(half_life=10 * SECOND)
    made.take(KEY, Decimal(4), generation=1, now=Nanos(0), lot=LOT)
    return made


def left(made: ImpactMemory, seconds: int, *, generation: int | None = 1, key: LevelKey = KEY) -> Decimal:
    return made.remembered(key, generation=generation, now=Nanos(seconds * SECOND), lot=LOT)


def test_halves_every_half_life_and_is_rounded_against_the_user() -> None:
    assert [left(memory(), s) for s in (0, 10, 20)] == [Decimal(4), Decimal(2), Decimal(1)]
    assert left(memory(), 5) == Decimal("2.9")  # 4 / sqrt 2 = 2.828…


def test_what_is_below_a_lot_is_forgotten() -> None:
    assert left(memory(), 60) == 0


def test_ends_when_the_exchange_removed_the_level() -> None:
    made = memory()
    assert left(made, 0, generation=2) == 0
    assert left(made, 0, generation=1) == 0, "the old level does not come back"


def test_other_users_are_not_affected() -> None:
    assert left(memory(), 0, key=KEY._replace(user_id="bob")) == 0


def test_takes_add_up_on_what_is_still_remembered() -> None:
    made = memory()
    made.take(KEY, Decimal(1), generation=1, now=Nanos(10 * SECOND), lot=LOT)
    assert left(made, 10) == Decimal(3)


def test_pruned_once_decayed() -> None:
    made = memory()
    made.settle(Nanos(1_000 * SECOND))
    assert len(made) == 0


def test_what_could_not_be_recorded_was_not_taken() -> None:
    made = memory()
    made.settle(Nanos(0))
    other = KEY._replace(price=Decimal(101))
    for key in (KEY, other, KEY):
        made.take(key, Decimal(1), generation=1, now=Nanos(0), lot=LOT)
    made.take_back()
    assert (left(made, 0), left(made, 0, key=other)) == (Decimal(4), Decimal(0))
