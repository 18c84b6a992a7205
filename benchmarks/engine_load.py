"""Working orders with a slice every second on one core, beside 50 live books at 20 messages a second each.

``python -m benchmarks.engine_load [--quick] [--json FILE]``. Each number of orders gets a process of its own
(``benchmarks.working_load``), pinned to one core, on the machine's clock; growing stops where the engine no
longer keeps up. A slice's lateness is from when it was due to when it was recorded in SQLite (WAL, FULL).
"""

import json
import subprocess
import sys
from typing import Any

from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, Target, at_most

_ORDERS = (1_000, 3_000, 5_000, 10_000, 30_000)
_WANTED = 10_000
_LATEST_MS = 250.0
_AT_ONCE = 5_000
_LATEST_AT_ONCE_MS = 400.0
_KEPT_UP = 0.97
"""Share of the due slices that must have been recorded for the next number to be tried."""
_KIB = 1024

_Found = dict[str, Any]


def measure(options: Options) -> Part:
    """Grow the number of orders until the engine falls behind; then once with all slices in phase."""
    seconds = 4 if options.quick else 12
    part = Part("engine_load", "Working orders on one core beside 50 live books", notes=list(_NOTES))
    found: list[_Found] = []
    for orders in _ORDERS:
        found.append(_run(orders // 10 if options.quick else orders, seconds))
        _add(part, found[-1], "spread over the second")
        if _kept_up(found[-1]) < _KEPT_UP and orders >= _WANTED:
            break
    at_once = _run(_AT_ONCE // 10 if options.quick else _AT_ONCE, seconds, "--in-phase")
    _add(part, at_once, "all due at once")
    _judge(part, found, at_once)
    return part


def _run(orders: int, seconds: int, *more: str) -> _Found:
    command = [sys.executable, "-m", "benchmarks.working_load", str(orders), "--seconds", str(seconds), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    found: _Found = json.loads(done.stdout)
    return found


def _kept_up(found: _Found) -> float:
    return float(found["slices"] / (found["orders"] * found["seconds"]))


def _add(part: Part, found: _Found, phase: str) -> None:
    who = f"{found['orders']:,} orders, {phase}"
    for job, unit, value in (
        ("slices decided and recorded", "slices/s", found["slices"] / found["seconds"]),
        ("slices lost: too late to be decided", "slices/s", found["lost"] / found["seconds"]),
        ("lateness of a slice, p50", "ms", found["recorded_ms"]["p50"]),
        ("lateness of a slice, p99", "ms", found["recorded_ms"]["p99"]),
        ("lateness of a slice, worst", "ms", found["recorded_ms"]["max"]),
        ("lateness of its decision, p99", "ms", found["decided_ms"]["p99"]),
        ("event loop held up, p99", "ms", found["loop_lag_ms"]["p99"]),
        ("processor time a slice, all in", "us", _each(found)),
        ("memory an open order", "KiB", found["memory_per_order"] / _KIB),
    ):
        part.figures.append(Figure(job, who, unit, [value]))


def _judge(part: Part, found: list[_Found], at_once: _Found) -> None:
    by_orders = {one["orders"]: one for one in found}
    wanted = by_orders.get(_WANTED)
    if wanted is None:
        part.targets.append(Target("10,000 orders", "not tried", met=False))
        return
    part.targets += [
        Target(
            "10,000 orders with a slice every second on one core",
            f"{wanted['slices'] / wanted['seconds']:,.0f} slices/s",
            met=_kept_up(wanted) >= _KEPT_UP,
        ),
        at_most(
            "p99 lateness of 10,000 orders <= 250 ms", wanted["recorded_ms"]["p99"], _LATEST_MS, "{:,.0f} ms"
        ),
        at_most(
            f"p99 lateness of {_AT_ONCE:,} orders all due at once <= 400 ms",
            at_once["recorded_ms"]["p99"],
            _LATEST_AT_ONCE_MS,
            "{:,.0f} ms",
        ),
        at_most("<= 4 KiB an order", wanted["memory_per_order"] / _KIB, 4.0, "{:,.1f} KiB"),
        _growth(found),
    ]


def _growth(found: list[_Found]) -> Target:
    """Cost grows linearly: a slice of many orders takes no more processor time than one of few."""
    words = ", ".join(f"{one['orders']:,}: {_each(one):,.0f} us" for one in found)
    met = _each(found[-1]) <= 1.2 * _each(found[0])
    return Target("processor time grows linearly", f"a slice at {words}", met=met)


def _each(found: _Found) -> float:
    """Microseconds of processor time for each slice that got its outcome, lost ones included."""
    return float(found["cpu_s"] / max(1, found["slices"] + found["lost"]) * 1e6)


_NOTES = (
    "One process on one core: engine, SQLite store (WAL, synchronous=FULL) with its thread, 50 books fed "
    "through the Binance adapter, event bus. No HTTP and no sockets.",
    "Orders of 3,600 slices of 50 users, half of them buys, a third with a limit and a fifth with a slippage "
    "cap that seldom stop them. Slices are spread evenly over the second; the last rows show all in phase.",
    "The first two seconds do not count: all orders begin in the first one, which is no usual second.",
    "Lateness is from due to recorded in the database and told. Where fewer are decided than are due, that "
    "is the most the engine can do: the others are lost, which is recorded too and costs less.",
    "Few orders make small turns: each turn has its own commit, so a slice costs more than among many.",
    "Memory is what the process grew by while the orders were submitted, before their first slice.",
)


if __name__ == "__main__":
    run(measure, doc=__doc__)
