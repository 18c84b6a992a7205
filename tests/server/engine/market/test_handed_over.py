"""engine/market/handed_over.py: what another engine's users took counts on, as far as it is known."""

from decimal import Decimal
from fractions import Fraction

from support.clocks import START, HandClock
from support.trading import BTC, HandMarket
from twap_models.enums import RealismProfile, Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.impact import LevelKey
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.execution.price_shift import SideKey
from twap_server.domain.execution.taking import Taking
from twap_server.domain.market.events import BookStatus
from twap_server.domain.orders.realism import IDEAL, PROFILES, Realism
from twap_server.engine.market.handed_over import HandedOver

LOT = Decimal("0.00001")
HUNDRED = LevelKey("ada", BTC.id, Side.BUY, Decimal(100))


class Desk:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.market = HandMarket(self.clock)
        self.market.show(bids=[("99", "10")], asks=[("100.00", "10"), ("101", "10")])
        self.impact = ImpactMemories(half_life=10 * SECOND, monotonic=self.clock.now)
        self.handed_over = HandedOver(self.market, self.impact)

    def take_over(self, *takings: Taking) -> None:
        self.handed_over.add(takings, now=self.clock.now())
        self.handed_over.bind(now=self.clock.now())

    def left(self, key: LevelKey = HUNDRED, half_life: int | None = None) -> Decimal:
        live = self.market.live_book(key.instrument)
        assert live is not None
        epoch = live.book.level_epoch(key.side, key.price)
        return self.impact.levels(half_life).remembered(key, level_epoch=epoch, lot=LOT)


def taking(seconds_ago: int, price: str = "100", quantity: str = "4", realism: Realism = IDEAL) -> Taking:
    return Taking(
        user_id="ada",
        instrument=BTC.id,
        side=Side.BUY,
        realism=realism,
        time=Nanos(START - seconds_ago * SECOND),
        price=Decimal(price),
        quantity=Decimal(quantity),
        touch=Decimal(100),
    )


def test_what_was_taken_counts_as_if_it_had_been_taken_here() -> None:
    desk = Desk()
    desk.take_over(taking(20), taking(10, quantity="2"), taking(0, "101"))
    assert desk.left() == Decimal("2")  # (4 / 2 + 2) / 2
    assert desk.left(HUNDRED._replace(price=Decimal(101))) == Decimal(4)
    assert not desk.handed_over
    desk.market.change(asks=[("100.00", "0"), ("100.00", "10")])
    assert desk.left() == 0, "the exchange removed the level"


def test_a_level_that_is_not_displayed_is_another_one_when_it_comes() -> None:
    desk = Desk()
    desk.take_over(taking(0, "102"))
    desk.market.change(asks=[("102", "5")])
    assert desk.left(HUNDRED._replace(price=Decimal(102))) == 0


def test_a_book_that_is_not_live_yet_is_waited_for() -> None:
    desk = Desk()
    assert desk.market.live is not None
    desk.market.live.status = BookStatus.RESYNCING
    desk.take_over(taking(10))
    assert desk.handed_over
    assert desk.left() == 0
    desk.market.live.status = BookStatus.LIVE
    desk.handed_over.bind(now=desk.clock.now())
    assert desk.left() == Decimal(2)


def test_a_clock_that_was_ahead_takes_nothing_from_the_future() -> None:
    desk = Desk()
    desk.take_over(taking(-1))
    assert desk.left() == Decimal(4)


def test_each_counts_in_its_orders_own_memory() -> None:
    desk = Desk()
    slow = Realism(profile=RealismProfile.OWN, half_life=40 * SECOND)
    desk.take_over(taking(40, realism=slow))
    assert desk.left() == 0
    assert desk.left(half_life=40 * SECOND) == Decimal(2)


def test_a_walk_is_known_as_far_as_its_last_level() -> None:
    desk = Desk()
    adverse = PROFILES[RealismProfile.ADVERSE]
    desk.take_over(taking(60, "103", realism=adverse), taking(30, "101", realism=adverse))
    key = SideKey("ada", BTC.id, Side.BUY)
    assert desk.impact.shifts(adverse.half_life).distance(key) == Fraction(1, 2)
    assert desk.left() == 0
