"""domain/execution/refill.py: which trades are an event, what is seen later, and how it is summed up."""

import random
from decimal import Decimal

import pytest

from twap_models.enums import Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.refill import LAGS, WHOLE, Look, RefillEvent, RefillStudy
from twap_server.domain.execution.refill_table import Interval, RefillTable, table_of
from twap_server.domain.market.events import PriceLevel

BID = PriceLevel(Decimal(99), Decimal(8))
T0 = Nanos(1_700_000_000 * SECOND)


class Book:
    """Asks and bids by price, as a test sets them."""

    def __init__(self, asks: dict[int, str], bids: dict[int, str]) -> None:
        self.levels = {Side.BUY: asks, Side.SELL: bids}

    def displayed(self, side: Side, price: Decimal) -> Decimal:
        return Decimal(self.levels[side].get(int(price), "0"))

    def best(self, side: Side) -> Decimal:
        return Decimal(min(self.levels[side]) if side is Side.BUY else max(self.levels[side]))


def study(least: str = "0.5") -> RefillStudy:
    return RefillStudy(least=Decimal(least), lags=(SECOND, 10 * SECOND))


def hit(
    made: RefillStudy, quantity: str, *, state: int = 1, at: int = 0, before: str = "4", best: str = "100"
) -> None:
    made.trade(
        Side.BUY,
        Decimal(100),
        Decimal(quantity),
        before=Decimal(before),
        best=Decimal(best),
        other=BID,
        state=state,
        now=Nanos(T0 + at * SECOND),
    )


def test_prints_at_one_price_are_added_up_while_the_book_stands_still() -> None:
    made = study()
    hit(made, "1")
    assert made.events == []
    hit(made, "1")
    (event,) = made.events
    assert (event.at, event.taken, event.before) == (T0, 2, 4)
    hit(made, "9")
    assert (len(made.events), event.taken) == (1, 4), "no more than was displayed"


def test_a_change_of_the_book_parts_them() -> None:
    made = study()
    hit(made, "1.5", state=1)
    hit(made, "1.5", state=2)
    assert made.events == []


def test_a_print_where_nothing_was_displayed_is_left_out() -> None:
    made = study()
    hit(made, "1", before="0")
    assert made.events == []


def test_what_is_displayed_again_is_looked_at_when_it_is_time() -> None:
    made = study()
    hit(made, "4")
    made.look(Nanos(T0 + SECOND - 1), Book({101: "1"}, {99: "8"}))
    assert list(made.seen(SECOND)) == []
    made.look(Nanos(T0 + SECOND), Book({100: "1", 101: "1"}, {99: "6"}))
    made.look(Nanos(T0 + 10 * SECOND), Book({101: "1"}, {98: "6"}))
    assert list(made.seen(SECOND)) == [(T0, Look(WHOLE // 4, WHOLE // 4, WHOLE * 3 // 4, 0))]
    assert list(made.seen(10 * SECOND)) == [(T0, Look(0, 0, 0, WHOLE // 100))]


def test_of_a_level_behind_the_best_the_move_counts_from_where_the_best_price_was() -> None:
    made = study()
    hit(made, "4", best="80")
    made.look(Nanos(T0 + SECOND), Book({80: "1"}, {79: "8"}))
    made.look(Nanos(T0 + 10 * SECOND), Book({84: "1"}, {79: "8"}))
    moved = [look.moved for lag in (SECOND, 10 * SECOND) for _, look in made.seen(lag)]
    assert moved == [0, WHOLE // 20], "it had not moved, then it rose by 4 of 80"


def test_what_is_counted_again_is_cut_to_nothing_and_all() -> None:
    event = RefillEvent(
        at=T0,
        side=Side.BUY,
        price=Decimal(100),
        before=Decimal(4),
        taken=Decimal(2),
        best=Decimal(100),
        other=BID,
    )
    assert event.look(Book({100: "1"}, {99: "8"})).refilled == 0, "others left as well"
    assert event.look(Book({100: "3"}, {99: "8"})).refilled == WHOLE // 2
    assert event.look(Book({100: "9"}, {99: "9"})) == Look(WHOLE, WHOLE, WHOLE, 0)
    assert event.look(Book({98: "9"}, {97: "9"})).moved == -WHOLE // 50, "better for a taker"


def test_without_a_live_book_the_look_is_left_out() -> None:
    made = study()
    hit(made, "4")
    made.look(Nanos(T0 + SECOND), None)
    assert list(made.seen(SECOND)) == []


def seen(refilled: dict[int, list[int]]) -> RefillStudy:
    """Events a minute apart, each refilled so far (percent) after each lag."""
    made = RefillStudy(least=Decimal("0.5"))
    for lag, percents in refilled.items():
        for number, percent in enumerate(percents):
            if number == len(made.events):
                at = Nanos(T0 + number * 60 * SECOND)
                made.events.append(
                    RefillEvent(
                        at=at,
                        side=Side.BUY,
                        price=Decimal(1),
                        before=Decimal(1),
                        taken=Decimal(1),
                        best=Decimal(1),
                        other=BID,
                    )
                )
            made.events[number].looks[lag] = Look(percent * WHOLE // 100, 0, 0, percent)
    return made


def summed(refilled: dict[int, list[int]]) -> RefillTable:
    return table_of(seen(refilled), choose=random.Random("refill").choices)


def test_means_and_the_time_until_half_is_back() -> None:
    table = summed({SECOND: [0, 40] * 20, 5 * SECOND: [60, 100] * 20})
    first, second = table.rows
    assert (first.lag, first.events, first.refilled.mean) == (SECOND, 40, WHOLE // 5)
    assert first.refilled.low < WHOLE // 5 < first.refilled.high
    assert second.refilled.mean == WHOLE * 4 // 5
    assert table.half is not None
    assert table.half.mean == 3 * SECOND, "halfway between 20 % and 80 %"
    assert table.half.low < table.half.mean < table.half.high
    assert summed({SECOND: [0, 40] * 20, 5 * SECOND: [60, 100] * 20}) == table, "seeded"


def test_equal_events_leave_no_doubt() -> None:
    table = summed({SECOND: [30] * 40})
    assert table.rows[0].refilled == Interval(WHOLE * 30 // 100, WHOLE * 30 // 100, WHOLE * 30 // 100)
    assert table.half is None


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Coin tosses: of 95 % intervals for one half nearly all contain it."""
    covered = 0
    for trial in range(30):
        tosses = random.Random(trial).choices([0, 100], k=60)
        row = summed({SECOND: tosses}).rows[0]
        covered += row.refilled.low <= WHOLE // 2 <= row.refilled.high
    assert covered >= 26


def test_of_less_than_six_blocks_nothing_is_told() -> None:
    """Events of one sign in five stretches of time: chance does that in 6 % of cases."""
    assert summed({SECOND: [30] * 5}).rows == ()
    assert summed({SECOND: [60] * 5}).half is None
    table = summed({SECOND: [30] * 6, 5 * SECOND: [60] * 5})
    assert ([row.lag for row in table.rows], table.half) == ([SECOND], None)


def test_blocks_without_an_event_of_a_lag_leave_its_mean_alone() -> None:
    """Of 60 blocks six have a look after a minute: a draw without any would have counted as nothing."""
    row = summed({SECOND: [50] * 60, 60 * SECOND: [40] * 6}).rows[1]
    assert row.refilled == Interval(WHOLE * 40 // 100, WHOLE * 40 // 100, WHOLE * 40 // 100)


@pytest.mark.parametrize("lag", LAGS)
def test_lags_are_looked_at_in_time_order(lag: int) -> None:
    made = RefillStudy(least=Decimal(1))
    hit(made, "4")
    made.look(Nanos(T0 + lag), Book({100: "4"}, {99: "8"}))
    assert {one for one in LAGS if list(made.seen(one))} == {one for one in LAGS if one <= lag}
