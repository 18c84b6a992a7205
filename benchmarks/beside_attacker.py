"""The process that ``benchmarks.fairness`` measures: one user's orders beside another's who takes all he can.

``python -m benchmarks.beside_attacker --seconds N [--attack NAME] [--list N]`` prints one JSON object. In it:
the server of ``benchmarks.working_load``. The attacker has 10,000 orders, all due in the same moment, at the
smallest interval that the server allows; meanwhile lists of new orders, several at once, are submitted for
him without a pause, all of which are judged and recorded. The victim has 20 orders with a slice a second, and
submits one more order every second.
"""

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.harness.machine import pin
from benchmarks.working_load import Witness, make_request, server, spread, until
from twap_models.enums import SliceOutcome
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.orders.order import OrderEvent
from twap_server.domain.orders.terms import OrderRequest
from twap_server.engine.config import EngineConfig
from twap_server.engine.engine import Engine
from twap_server.feed.bus import Bus
from twap_server.runtime.loops import loop_factory

ATTACKS = ("none", "orders", "lists", "both")
_ATTACKER, _VICTIM = "attacker", "victim"
_ORDERS, _VICTIMS = 10_000, 20
_LISTS_AT_ONCE = 4
_SETTLE_S = 3


@dataclass(slots=True)
class Found:
    """What became of both; times in nanoseconds."""

    late: list[int] = field(default_factory=list)
    """From due to recorded and told, per slice of the victim."""
    lost: dict[str, int] = field(default_factory=dict)
    """The victim's slices that were missed, by reason."""
    submitted: list[int] = field(default_factory=list)
    """How long each of the victim's submissions took."""
    refused: int = 0
    """Of the victim's submissions."""
    attacked: int = 0
    """Slices of the attacker that were decided."""
    attacker_lost: int = 0
    listed: int = 0
    """Orders of the attacker's lists that were judged and recorded."""


class Onlooker(Witness):
    """Notes how late each slice of the victim was, and how much the attacker had done."""

    def __init__(self, bus: Bus, found: Found) -> None:
        super().__init__(bus)
        self._found = found

    def note(self, user_id: str, event: OrderEvent) -> None:
        """Take in an event that is recorded."""
        result, found = event.slice, self._found
        if result is None or result.due < self.since:
            return
        is_lost = result.outcome is SliceOutcome.MISSED and result.mid is None
        if user_id == _ATTACKER:
            found.attacked += not is_lost
            found.attacker_lost += is_lost
        elif is_lost:
            reason = str(result.reason)
            found.lost[reason] = found.lost.get(reason, 0) + 1
        else:
            found.late.append(time.time_ns() - result.due)


async def measure(*, attack: str, seconds: int, size: int, file: Path) -> dict[str, object]:
    """Let both work side by side, and say what the victim noticed."""
    found, config = Found(), EngineConfig()
    bus = Bus()
    onlooker = Onlooker(bus, found)
    async with server(file, onlooker) as (engine, feed), asyncio.TaskGroup() as group:
        running = [group.create_task(feed.run())]
        begin = Nanos(time.time_ns() + 12 * SECOND)
        interval = max(100 * MILLISECOND, SECOND * _ORDERS // getattr(config, "max_slices_per_second", 10**9))
        if attack in ("orders", "both"):
            await _attack(engine, begin, interval)
        await _stand(engine, begin)
        await until(begin)
        if attack in ("lists", "both"):
            running += [group.create_task(_lists(engine, found, size, n)) for n in range(_LISTS_AT_ONCE)]
        onlooker.since = Nanos(begin + _SETTLE_S * SECOND)
        await until(onlooker.since)
        found.listed = 0
        end = Nanos(onlooker.since + seconds * SECOND)
        running.append(group.create_task(_submit(engine, found)))
        await until(end)
        result = _told(found, interval=interval, seconds=seconds)
        for task in running:
            task.cancel()
    return result


def _told(found: Found, *, interval: int, seconds: int) -> dict[str, object]:
    return {
        "interval_s": interval / SECOND,
        "due": _VICTIMS * seconds,
        "recorded": len(found.late),
        "lost": found.lost,
        "late_ms": spread(found.late),
        "submit_ms": spread(found.submitted),
        "submitted": len(found.submitted),
        "refused": found.refused,
        "attacker_slices": found.attacked / seconds,
        "attacker_lost": found.attacker_lost / seconds,
        "listed": found.listed / seconds,
    }


async def _attack(engine: Engine, begin: Nanos, interval: int) -> None:
    """As many open orders as a user may have."""
    for first in range(0, _ORDERS, 500):
        wanted = [_order(number, begin, interval) for number in range(first, first + 500)]
        results = await engine.submit(_ATTACKER, wanted)
        assert all(one.order.status.is_open for one in results), results[0].order.progress


async def _stand(engine: Engine, begin: Nanos) -> None:
    """The victim's orders, spread over the second."""
    moments = [Nanos(begin + number * SECOND // _VICTIMS) for number in range(_VICTIMS)]
    wanted = [_order(number, moment, SECOND) for number, moment in enumerate(moments)]
    results = await engine.submit(_VICTIM, wanted)
    assert all(one.order.status.is_open for one in results), results[0].order.progress


async def _lists(engine: Engine, found: Found, size: int, which: int) -> None:
    """List after list, until cancelled; most of it is rejected, which is recorded all the same."""
    for turn in itertools.count():
        far = Nanos(time.time_ns() + 3_600 * SECOND)
        wanted = [
            replace(_order(number, far, 60 * SECOND), token_id=f"new-{which}-{turn}-{number}")
            for number in range(size)
        ]
        await engine.submit(_ATTACKER, wanted)
        found.listed += size
        await asyncio.sleep(0)


async def _submit(engine: Engine, found: Found) -> None:
    """The victim's submissions: one a second, each timed."""
    for number in itertools.count():
        far = Nanos(time.time_ns() + 3_600 * SECOND)
        wanted = replace(_order(number, far, 60 * SECOND), token_id=f"another-{number}")
        at = time.monotonic_ns()
        (result,) = await engine.submit(_VICTIM, [wanted])
        found.submitted.append(time.monotonic_ns() - at)
        found.refused += not result.order.status.is_open
        await asyncio.sleep(1.0)


def _order(number: int, start: Nanos, interval: int) -> OrderRequest:
    return replace(make_request(number, start), interval=interval)


def main() -> None:
    """Measure once and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attack", choices=ATTACKS, default="both")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--list", type=int, default=100, help="orders in each of the attacker's lists")
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the database goes (default: a temporary one)")
    given = parser.parse_args()
    pin(given.core)
    with (
        tempfile.TemporaryDirectory(dir=given.folder) as folder,
        asyncio.Runner(loop_factory=loop_factory("auto")) as runner,
    ):
        file = Path(folder, "orders.db")
        found = runner.run(measure(attack=given.attack, seconds=given.seconds, size=given.list, file=file))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
