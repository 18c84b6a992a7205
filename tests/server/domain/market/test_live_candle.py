"""domain/market/live_candle.py: what is called exact is the candle of all trades, whatever the delays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st

from twap_models.enums import Interval, Side
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.market.events import Candle, Trade
from twap_server.domain.market.live_candle import Ended, LiveCandle
from twap_server.domain.market.seed_proof import LATEST, OLDEST, Seed

NOON = 1_790_000_040 * SECOND
"""A full minute."""
MINUTE = 60 * SECOND


def trade(number: int, at: int, price: object, quantity: object, delay: int = 0) -> Trade:
    """Made and received so many nanoseconds after noon."""
    return Trade(
        symbol="BTC-USDT",
        trade_id=str(number),
        price=Decimal(str(price)),
        quantity=Decimal(str(quantity)),
        taker_side=Side.BUY,
        ts_exchange=Nanos(NOON + at),
        ts_received=Nanos(NOON + at + delay),
    )


def brute_force(trades: Sequence[Trade], start: int) -> Candle | None:
    """The candle of all of these trades that were made in the minute."""
    inside = [one for one in trades if start <= one.ts_exchange < start + MINUTE]
    if not inside:
        return None
    return Candle(
        open_time=Nanos(start),
        close_time=Nanos(start + MINUTE - MILLISECOND),
        open=inside[0].price,
        high=max(one.price for one in inside),
        low=min(one.price for one in inside),
        close=inside[-1].price,
        volume=sum((one.quantity for one in inside), Decimal(0)),
        closed=False,
    )


@dataclass
class World:
    """An exchange and a listener who came late."""

    trades: list[Trade]
    live: LiveCandle
    lost: set[int]
    """Of the trades: these never arrive. The next one that does tells of it by its number."""
    received: int = 0
    """The trades known without a gap: all up to this one."""
    told: int = 0
    """The trades that the exchange's newest answer held."""
    ended: list[Ended] = field(default_factory=list)

    def listen(self, one: Trade) -> None:
        self.ended += self.live.add(one)
        self.received = max(self.received, self.trades.index(one) + 1)

    def tick(self, now: int) -> None:
        self.ended += self.live.advance(Nanos(now))

    def ask(self, asked_at: int, state_at: int, answered_at: int) -> None:
        """The answer shows the minute that is forming here, as the exchange had it at ``state_at``."""
        start = self.live.open_time
        held = [one for one in self.trades if one.ts_exchange <= min(state_at, start + MINUTE - 1)]
        seed = Seed(brute_force(held, start), Nanos(asked_at), Nanos(answered_at))
        if not self.live.is_exact:
            self.live.take(seed, began=self.live.counting_since)
            self.told = len(held)

    def is_deceived(self, now: int) -> bool:
        """Whether a trade is lost and none has come since: nobody can know of it yet."""
        return any(self.received < one and self.trades[one - 1].ts_exchange <= now for one in self.lost)

    def check(self, now: int) -> None:
        """What is exact is the candle of all trades up to the newest that was heard of."""
        if self.live.is_exact and not self.is_deceived(now):
            known = self.trades[: max(self.received, self.told)]
            assert self.live.current() == brute_force(known, self.live.open_time)


Case: TypeAlias = tuple[list[Trade], int, list[tuple[int, int, int]], set[int]]
"""Trades of two minutes; when listening begins; questions; the trades that get lost."""


@st.composite
def worlds(draw: st.DrawFn) -> Case:
    """What may happen; but the first trade that could be heard is never lost: no number tells of that."""
    fine = draw(st.booleans())
    quantity = st.integers(1, 10**6) if fine else st.integers(1, 2)
    made, at, arrived = [], 0, 0
    for number in range(1, draw(st.integers(1, 120))):
        at += draw(st.integers(1, 3_000)) * MILLISECOND
        arrived = max(arrived, at + draw(st.integers(0, 900)) * MILLISECOND)
        price = draw(st.integers(98, 102))
        made.append(trade(number, at, price, draw(quantity), arrived - at))
    begin = draw(st.integers(0, 50)) * SECOND
    asks, now = [], begin
    for _ in range(draw(st.integers(1, 12))):
        now += draw(st.integers(100, 6_000)) * MILLISECOND
        answered = now + draw(st.integers(1, 800)) * MILLISECOND
        state = draw(st.integers(now - OLDEST, answered))
        asks.append((NOON + now, NOON + state, NOON + answered))
    first = 1 + sum(one.ts_received < NOON + begin for one in made)
    lost = (
        draw(st.sets(st.sampled_from(range(first + 1, len(made) + 1)), max_size=2)) if made[first:] else set()
    )
    return made, NOON + begin, asks, lost


def moments(world: World, begin: int, asks: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, object]]:
    """All that happens, by time: trades that arrive, answers, the clock of each second."""
    for one in world.trades:
        if one.ts_received >= begin and int(one.trade_id) not in world.lost:
            yield one.ts_received, 0, one
    for ask in asks:
        yield ask[2], 1, ask
    for second in range((begin - NOON) // SECOND + 1, 200):
        yield NOON + second * SECOND, 2, None


def asked(at: int, answered_at: int) -> tuple[int, int, int]:
    """A question after noon that is answered with what there is by then."""
    return NOON + at, NOON + answered_at, NOON + answered_at


LOST_AND_TOLD_BY_AN_ANSWER: Case = (
    [
        trade(1, SECOND, 100, 1, delay=SECOND // 2),
        trade(2, 2 * SECOND, 99, 1),
        trade(3, 9 * SECOND, 99, 1),
    ],
    NOON,
    [asked(6 * SECOND, 6_100 * MILLISECOND)],
    {2},
)
TOLD_BEFORE_THE_CLOCK_ENDS_THE_MINUTE: Case = (
    [trade(1, 59 * SECOND, 100, 1), trade(2, 60_700 * MILLISECOND, 100, 1, delay=900 * MILLISECOND)],
    NOON + 50 * SECOND,
    [asked(60_750 * MILLISECOND, 60_800 * MILLISECOND)],
    set(),
)


@given(worlds())
@example(LOST_AND_TOLD_BY_AN_ANSWER)
@example(TOLD_BEFORE_THE_CLOCK_ENDS_THE_MINUTE)
def test_what_is_called_exact_is_the_candle_of_all_trades(made: Case) -> None:
    trades, begin, asks, lost = made
    world = World(trades, LiveCandle(Interval.M1, Nanos(begin)), lost)
    world.received = sum(one.ts_received < begin for one in trades)
    for now, _, what in sorted(moments(world, begin, asks), key=lambda one: one[:2]):
        if isinstance(what, Trade):
            world.listen(what)
        elif isinstance(what, tuple):
            world.ask(*what)
        world.tick(now)
        world.check(now)
    for one in world.ended:
        if one.is_exact and one.candle is not None and not lost:
            assert one.candle == brute_force(trades, one.open_time)


def listening(since: int = 0) -> LiveCandle:
    return LiveCandle(Interval.M1, Nanos(NOON + since))


def seeded(live: LiveCandle, candle: Candle | None, asked: int, answered: int | None = None) -> None:
    answer = Seed(candle, Nanos(NOON + asked), Nanos(NOON + (answered or asked)))
    live.take(answer, began=live.counting_since)


def test_two_answers_tell_which_trades_they_hold_where_one_cannot() -> None:
    trades = [trade(number, number * SECOND // 2, 100, f"0.{number}1") for number in range(1, 60)]
    live = listening(10 * SECOND)
    for one in trades[19:40]:
        live.add(one)
    seeded(live, brute_force(trades[:34], NOON), asked=20 * SECOND)  # some seconds old
    live.advance(Nanos(NOON + 21 * SECOND + 1))
    assert not live.is_exact, "of several trades each may be the last that it holds"
    first = live.current()
    assert first is not None
    assert (first.open, first.high, first.low, first.close) == (100, 100, 100, 100)
    for one in trades[40:50]:
        live.add(one)
    seeded(live, brute_force(trades[:49], NOON), asked=25 * SECOND)
    live.advance(Nanos(NOON + 25 * SECOND + LATEST - 1))
    assert not live.is_exact, "trades that it holds may still be on their way"
    live.advance(Nanos(NOON + 25 * SECOND + LATEST))
    assert live.is_exact
    assert live.current() == brute_force(trades[:50], NOON)


def test_an_answer_from_before_we_listened_proves_nothing() -> None:
    trades = [trade(1, SECOND, 100, 1), trade(2, 11 * SECOND, 100, 2), trade(3, 30 * SECOND, 100, 4)]
    live = listening(10 * SECOND)
    live.add(trades[1])
    seeded(live, brute_force(trades[:2], NOON), asked=12 * SECOND)
    live.advance(Nanos(NOON + 14 * SECOND))
    assert not live.is_exact
    seeded(live, brute_force(trades[:2], NOON), asked=17 * SECOND)
    live.advance(Nanos(NOON + 19 * SECOND))
    live.add(trades[2])
    assert live.is_exact
    assert live.current() == brute_force(trades, NOON)


def test_followed_from_its_begin_on_it_needs_nobody() -> None:
    live = listening(50 * SECOND)
    live.add(trade(1, 55 * SECOND, 100, 1))
    assert not live.is_exact and live.current() is None
    later = [trade(2, 61 * SECOND, 101, "0.5"), trade(3, 62 * SECOND, 99, "0.25")]
    (ended,) = live.add(later[0])
    assert ended == Ended(Nanos(NOON), None, False)
    live.add(later[1])
    assert live.is_exact and live.current() == brute_force(later, NOON + MINUTE)
    (ended,) = live.advance(Nanos(NOON + 2 * MINUTE + LATEST))
    assert ended == Ended(Nanos(NOON + MINUTE), brute_force(later, NOON + MINUTE), True)
    assert live.is_exact and live.current() is None, "nothing is invented where nothing was traded"


def test_repeated_trades_count_once_and_late_ones_not_in_the_next_interval() -> None:
    live = listening(50 * SECOND)
    first, second = trade(1, 59 * SECOND, 100, 1), trade(2, 59_900 * MILLISECOND, 90, 1, delay=2 * SECOND)
    live.add(first)
    assert not live.advance(Nanos(NOON + MINUTE + LATEST - 1)), "the last trades are on their way"
    assert live.advance(Nanos(NOON + MINUTE + LATEST))
    live.add(second)
    assert live.current() is None
    third = trade(3, 61 * SECOND, 100, 1)
    for one in (third, third, second):
        live.add(one)
    assert live.is_exact and live.current() == brute_force([third], NOON + MINUTE)


def test_where_numbers_only_rise_one_left_out_is_no_gap_and_one_repeated_counts_once() -> None:
    for is_numbered in (False, True):
        live = listening(50 * SECOND)
        trades = [trade(number, 61 * SECOND, 100, 1) for number in (7, 12, 40)]
        for one in (trade(1, 55 * SECOND, 100, 1), *trades, trades[1]):
            one.is_numbered = is_numbered
            live.add(one)
        assert live.is_exact is not is_numbered
        assert is_numbered or live.current() == brute_force(trades, NOON + MINUTE)


def test_after_a_gap_only_the_exchange_can_tell() -> None:
    live = listening(50 * SECOND)
    live.add(trade(1, 55 * SECOND, 100, 1))
    trades = [trade(2, 61 * SECOND, 100, 1), trade(3, 62 * SECOND, 120, 1), trade(4, 63 * SECOND, 100, 2)]
    live.add(trades[0])
    assert live.is_exact
    live.add(trades[2])
    assert not live.is_exact
    seeded(live, brute_force(trades, NOON + MINUTE), asked=70 * SECOND)
    live.advance(Nanos(NOON + 72 * SECOND))
    assert live.is_exact and live.current() == brute_force(trades, NOON + MINUTE)


def test_an_answer_to_an_older_question_is_passed_over() -> None:
    live = listening()
    began = live.counting_since
    live.interrupt(Nanos(NOON + SECOND))
    live.take(Seed(brute_force([trade(1, 0, 1, 1)], NOON), Nanos(NOON), Nanos(NOON)), began=began)
    assert live.current() is None


def test_by_the_exchanges_clock_another_interval_may_be_forming() -> None:
    live = listening(MINUTE)  # a full minute
    seeded(live, brute_force([trade(1, 0, 1, 1)], NOON), asked=MINUTE + 9 * SECOND)
    live.advance(Nanos(NOON + MINUTE + 11 * SECOND))
    assert live.is_exact and live.current() is None, "nothing was traded in this one yet"
    live = listening()
    seeded(live, brute_force([trade(1, MINUTE, 1, 1)], NOON + MINUTE), asked=59 * SECOND)
    live.advance(Nanos(NOON + 59 * SECOND))
    assert not live.is_exact and live.current() is None


def test_trades_without_numbers_prove_no_begin() -> None:
    live = listening(59 * SECOND)
    for at in (59, 61):
        one = trade(0, at * SECOND, 100, 1)
        one.trade_id = f"abc-{at}"
        live.add(one)
    assert not live.is_exact
