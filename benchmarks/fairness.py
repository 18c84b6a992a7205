"""One user's few orders beside another who takes all that the server gives.

``python -m benchmarks.fairness [--quick] [--json FILE]``. Each row is a process of its own
(``benchmarks.beside_attacker``), pinned to one core, on the machine's clock, with SQLite on a file (WAL,
FULL). A slice's lateness is from when it was due to when it was recorded; a submission's time from asking to
the answer.
"""

import json
import subprocess
import sys
from typing import Any

from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, Target, at_most

_LATEST_MS = 250.0
_WHO = {
    "none": "alone",
    "orders": "beside 10,000 orders",
    "lists": "beside lists of new orders",
    "both": "beside 10,000 orders and lists of new ones",
}

_Found = dict[str, Any]


def measure(options: Options) -> Part:
    """The victim alone, then beside each attack; the last one is judged."""
    part = Part("fairness", "One user's orders beside another's, on one core", notes=list(_NOTES))
    seconds, found = 5 if options.quick else 30, _Found()
    for attack in ("none", "both") if options.quick else _WHO:
        found = _run(attack, seconds)
        _add(part, found, _WHO[attack])
    late, lost = found["late_ms"]["p99"], sum(found["lost"].values())
    part.targets += [
        at_most("p99 lateness beside 10,000 orders and lists <= 250 ms", late, _LATEST_MS, "{:,.0f} ms"),
        Target(
            "nothing of the victim's lost", f"{lost} slices, {found['refused']} submissions", met=not lost
        ),
    ]
    return part


def _run(attack: str, seconds: int) -> _Found:
    command = [sys.executable, "-m", "benchmarks.beside_attacker", "--attack", attack]
    command += ["--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    found: _Found = json.loads(done.stdout)
    return found


def _add(part: Part, found: _Found, who: str) -> None:
    for job, unit, value in (
        ("lateness of the victim's slices, p50", "ms", found["late_ms"]["p50"]),
        ("lateness of the victim's slices, p99", "ms", found["late_ms"]["p99"]),
        ("lateness of the victim's slices, worst", "ms", found["late_ms"]["max"]),
        ("the victim's slices lost", "slices", sum(found["lost"].values())),
        ("the victim's submission, p50", "ms", found["submit_ms"]["p50"]),
        ("the victim's submission, worst", "ms", found["submit_ms"]["max"]),
        ("the attacker's slices decided", "slices/s", found["attacker_slices"]),
        ("the attacker's slices lost", "slices/s", found["attacker_lost"]),
        ("orders of lists judged and recorded", "orders/s", found["listed"]),
    ):
        part.figures.append(Figure(job, who, unit, [value]))


_NOTES = (
    "The attacker has 10,000 orders, the most that a user may have open, at the smallest interval at which "
    "he may have so many (5 s for 2,000 slices a second), all due in the same moment. Four lists of 100 new "
    "orders are always under way for him; most are rejected, which is decided and recorded all the same.",
    "The victim has 20 orders with a slice a second, spread over it, and submits one order more a second.",
    "One process on one core: engine, SQLite store (WAL, synchronous=FULL) with its thread, 50 live books. "
    "No HTTP and no sockets.",
)


if __name__ == "__main__":
    run(measure, doc=__doc__)
