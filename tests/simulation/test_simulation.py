"""The whole server under virtual time: fixed seeds hold every invariant, and each invariant can fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.command import REGRESSIONS, compared, run_broken
from simulation.sabotage import SABOTAGE
from simulation.world import Outcome

HOURS = 0.5
SCRIPT = Path(__file__).parents[2] / "scripts" / "simulate.py"

NOTICED: dict[str, tuple[str, int]] = {
    "gate always open": ("I3", 1),
    "sequence not checked": ("I3", 1),
    "checksum not checked": ("I3", 2),
    "limit not checked": ("I4", 1),
    "depth not respected": ("I4", 1),
    "impact forgotten": ("I5", 1),
    "wants more than the curve": ("I1", 1),
    "filled after the end": ("I6", 1),
    "fees added wrongly": ("I7", 1),
    "answered without writing": ("I8", 1),
    "told before recorded": ("I8", 2),
    "orders never end": ("I9", 1),
    "an order is forgotten": ("I9", 1),
    "tokens not recognised": ("I10", 1),
    "orders of anybody": ("I11", 1),
    "books always live": ("I12", 2),
    "tasks leak": ("I13", 1),
    "a stage dies": ("I14", 1),
    "ids not seeded": ("I15", 1),
}
"""What is broken, the invariant that must notice it, and a seed under which it does."""


def simulate(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_fixed_seeds_hold_every_invariant() -> None:
    found = simulate("--regressions", "--hours", "0.4", "--jobs", "2")
    print(found.stdout)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "every invariant held" in found.stdout
    seeds = [line for line in REGRESSIONS.read_text().splitlines() if not line.startswith("#")]
    assert found.stdout.count(" ok ") == len(seeds)


def test_the_same_seed_gives_the_same_run_whatever_the_hash_seed() -> None:
    first, second = (simulate("--seed", "5", "--hours", "0.2", hash_seed=hash_seed) for hash_seed in "12")
    assert first.returncode == 0, first.stdout + first.stderr
    kept = [_without_cpu(run.stdout.splitlines()[0]) for run in (first, second)]
    assert kept[0] == kept[1]


def _without_cpu(line: str) -> list[str]:
    return [word for word in line.split() if not word.startswith("cpu=")]


def test_every_way_to_break_it_is_tried() -> None:
    assert NOTICED.keys() == SABOTAGE.keys()
    assert {invariant for invariant, _ in NOTICED.values()} == {f"I{n}" for n in range(1, 16)} - {"I2"}


@pytest.fixture(scope="module")
def broken() -> dict[str, list[Outcome]]:
    """Each way to break it, run; the one about repeating twice."""
    wanted = [(name, seed) for name, (_, seed) in NOTICED.items()]
    again = [one for one in wanted if NOTICED[one[0]][0] in ("I15", "I5")]
    found: dict[str, list[Outcome]] = {}
    for (name, _), outcome in zip(
        [*wanted, *again], run_broken([*wanted, *again], hours=HOURS, jobs=2), strict=True
    ):
        found.setdefault(name, []).append(outcome)
    return found


@pytest.mark.parametrize("name", NOTICED)
def test_a_broken_guard_is_noticed(name: str, broken: dict[str, list[Outcome]]) -> None:
    invariant = NOTICED[name][0]
    found = compared(*broken[name]) if invariant == "I15" else broken[name][0]
    assert found.invariant == invariant, found.violation


def test_a_failure_fails_again(broken: dict[str, list[Outcome]]) -> None:
    first, second = broken["impact forgotten"]
    assert first.violation is not None
    assert (first.violation, first.simulated_s, first.callbacks) == (
        second.violation,
        second.simulated_s,
        second.callbacks,
    )
