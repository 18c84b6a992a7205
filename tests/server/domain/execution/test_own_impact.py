"""domain/execution/own_impact.py: one memory for each model and half-life, none kept that nobody uses."""

from decimal import Decimal
from fractions import Fraction

from twap_models.enums import Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.impact import LevelKey
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.execution.price_shift import SideKey
from twap_server.domain.market.instrument import InstrumentId

HERE = InstrumentId("binance", "BTC-USDT")
LEVEL = LevelKey("ada", HERE, Side.BUY, Decimal(100))
SIDE = SideKey("ada", HERE, Side.BUY)


class Clocked(ImpactMemories):
    def __init__(self) -> None:
        self.seconds = 0
        super().__init__(half_life=10 * SECOND, monotonic=lambda: Nanos(self.seconds * SECOND))


def test_orders_that_name_the_half_life_of_the_settings_share_the_usual_memory() -> None:
    impact = Clocked()
    assert impact.levels(None) is impact.usual is impact.levels(10 * SECOND)
    assert impact.levels(20 * SECOND) is impact.levels(20 * SECOND) is not impact.usual


def test_the_price_shift_halves_in_thirty_seconds_where_nothing_else_is_said() -> None:
    impact = Clocked()
    assert impact.shifts(None) is impact.shifts(30 * SECOND)


def test_a_failure_is_taken_back_everywhere() -> None:
    impact = Clocked()
    impact.usual.take(LEVEL, Decimal(1), level_epoch=1)
    impact.levels(20 * SECOND).take(LEVEL, Decimal(1), level_epoch=1)
    impact.shifts(None).walk_to(SIDE, Fraction(1))
    impact.take_back()
    assert len(impact.usual) == len(impact.levels(20 * SECOND)) == len(impact.shifts(None)) == 0


def test_memories_that_hold_nothing_any_more_are_dropped() -> None:
    impact = Clocked()
    kept, gone = impact.levels(3_600 * SECOND), impact.levels(SECOND)
    for memory in (kept, gone):
        memory.take(LEVEL, Decimal(1), level_epoch=1)
    impact.seconds = 60
    impact.settle()
    assert impact.levels(3_600 * SECOND) is kept
    assert impact.levels(SECOND) is not gone
