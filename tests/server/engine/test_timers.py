"""One heap for all orders: what counts comes in order, what was replaced goes."""

import random
import sys

from twap_server.domain.clock import Nanos
from twap_server.engine.timers import Agenda


def test_the_latest_moment_counts() -> None:
    rng, agenda = random.Random(1), Agenda()
    latest: dict[str, Nanos] = {}
    for _ in range(20_000):
        order_id = f"o-{rng.randrange(300)}"
        if rng.random() < 0.1:
            agenda.drop(order_id)
            latest.pop(order_id, None)
        else:
            latest[order_id] = moment = Nanos(rng.randrange(10**9))
            agenda.set(order_id, moment)
    assert len(agenda) == len(latest)
    assert agenda.next() == min(latest.values())
    due = agenda.due(Nanos(10**9), most=1_000)
    assert due == sorted(latest, key=lambda one: (latest[one], one))
    assert agenda.next() is None


def test_an_order_that_is_changed_again_and_again_takes_no_more_room() -> None:
    agenda = Agenda()
    for moment in range(100_000):
        agenda.set("one", Nanos(10**9 + moment))
    assert sys.getsizeof(agenda._heap) < 20_000
    assert agenda.due(Nanos(2 * 10**9), most=9) == ["one"]
