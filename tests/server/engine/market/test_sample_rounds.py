"""engine/market/sample_rounds.py: who looks as often looks at the same moments, in pieces where many do."""

import random

import pytest

from twap_server.domain.clock import Nanos
from twap_server.engine.market.sample_rounds import SampleRounds


@pytest.mark.parametrize("seed", range(30))
def test_each_looks_once_between_two_multiples_of_its_period(seed: int) -> None:
    """Against a plain table of who has joined when, and looked last when."""
    rng, rounds, now = random.Random(seed), SampleRounds(), 0
    table: dict[str, tuple[int, int]] = {}
    """Order to its period and to the multiple it looks at next."""
    for _ in range(300):
        now += rng.randrange(7)
        due = [one for one, (period, number) in table.items() if period * number <= now]
        assert bool(due) == (rounds.next() is not None and rounds.next() <= now)
        assert sorted(rounds.due(Nanos(now), most=99)) == sorted(due), "once, however many were missed"
        table |= {one: (table[one][0], now // table[one][0] + 1) for one in due}
        name, period = f"order-{rng.randrange(9)}", rng.choice([1, 3, 10])
        if name in table and rng.random() < 0.5:
            rounds.leave(name, table.pop(name)[0])
        elif name not in table:
            rounds.join(name, period, Nanos(now))
            table[name] = (period, now // period + 1)
        assert rounds.next() == min((period * number for period, number in table.values()), default=None)


def test_a_large_round_is_given_out_in_pieces() -> None:
    rounds = SampleRounds()
    for number in range(5):
        rounds.join(f"order-{number}", 10, Nanos(1))
    assert rounds.next() == 10
    assert rounds.due(Nanos(10), most=2) == ["order-0", "order-1"]
    assert rounds.next() == 0, "the rest is due at once"
    rounds.leave("order-3", 10)
    rounds.join("order-9", 10, Nanos(10))
    assert rounds.due(Nanos(10), most=9) == ["order-2", "order-4"], "without who left, or came later"
    assert rounds.next() == 20


def test_who_does_not_take_part_may_leave() -> None:
    rounds = SampleRounds()
    rounds.join("one", 10, Nanos(0))
    rounds.leave("other", 10)
    rounds.leave("other", 20)
    assert rounds.due(Nanos(10), most=9) == ["one"]
    rounds.leave("one", 10)
    assert rounds.next() is None
