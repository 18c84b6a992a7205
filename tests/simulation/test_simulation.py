"""The whole server under virtual time: fixed seeds hold every invariant, and each invariant can fail."""

import pytest

from simulation.command import Sums, compared, regressions, run_broken
from simulation.made import simulate
from simulation.sabotage import SABOTAGE
from simulation.world import Outcome

HOURS, SEEDS = 0.5, range(1, 9)

NOTICED: dict[str, str] = {
    "gate always open": "I3",
    "sequence not checked": "I3",
    "checksum not checked": "I3",
    "limit not checked": "I4",
    "depth not respected": "I4",
    "impact forgotten": "I5",
    "wants more than the curve": "I1",
    "filled after the end": "I6",
    "fees added wrongly": "I7",
    "answered without writing": "I8",
    "told before recorded": "I8",
    "orders never end": "I9",
    "an order is forgotten": "I9",
    "tokens not recognised": "I10",
    "orders of anybody": "I11",
    "books always live": "I12",
    "tasks leak": "I13",
    "a stage dies": "I14",
    "ids not seeded": "I15",
}
"""What is broken, and the invariant that must notice it."""


@pytest.mark.long
def test_fixed_seeds_hold_every_invariant() -> None:
    found = simulate("--regressions", "--hours", "0.4", "--jobs", "2")
    print(found.stdout)
    assert found.returncode == 0, found.stdout + found.stderr
    assert f"all {len(regressions(0.4))} seeds held every invariant" in found.stdout


def test_a_regression_runs_as_long_as_it_needs() -> None:
    assert dict(regressions(0.4))[7] == 0.9
    assert dict(regressions(4.0))[7] == 4.0


def test_the_last_line_names_the_seeds_that_broke_something() -> None:
    sums = Sums()
    sums.add(Outcome(seed=1, simulated_s=3600, real_s=1, cpu_s=1))
    assert sums.text(took_s=1).endswith("all 1 seeds held every invariant")
    sums.add(Outcome(seed=2, simulated_s=3600, real_s=1, cpu_s=1, violation="seen", invariant="I3"))
    assert sums.text(took_s=1).endswith("1 of 2 seeds broke an invariant: 2 (I3)")


@pytest.mark.long
def test_the_same_seed_gives_the_same_run_whatever_the_hash_seed() -> None:
    first, second = (simulate("--seed", "5", "--hours", "0.2", hash_seed=hash_seed) for hash_seed in "12")
    assert first.returncode == 0, first.stdout + first.stderr
    kept = [_without_cpu(run.stdout.splitlines()[0]) for run in (first, second)]
    assert kept[0] == kept[1]


def _without_cpu(line: str) -> list[str]:
    return [word for word in line.split() if not word.startswith("cpu=")]


def test_every_way_to_break_it_is_tried() -> None:
    assert NOTICED.keys() == SABOTAGE.keys()
    assert set(NOTICED.values()) == {f"I{n}" for n in range(1, 16)} - {"I2"}


@pytest.fixture(scope="module")
def broken() -> dict[str, Outcome]:
    """Each way to break it, run under one seed after the other until the right invariant notices it."""
    found: dict[str, Outcome] = {}
    for seed in SEEDS:
        left = [name for name, invariant in NOTICED.items() if _invariant(found, name) != invariant]
        tried = [(name, seed) for name in left for _ in range(2 if NOTICED[name] == "I15" else 1)]
        for (name, _), outcome in zip(tried, run_broken(tried, hours=HOURS, jobs=2), strict=True):
            is_second = name in found and found[name].seed == seed
            found[name] = compared(found[name], outcome) if is_second else outcome
    return found


def _invariant(found: dict[str, Outcome], name: str) -> str:
    return found[name].invariant if name in found else ""


@pytest.mark.long
@pytest.mark.parametrize("name", NOTICED)
def test_a_broken_guard_is_noticed(name: str, broken: dict[str, Outcome]) -> None:
    assert broken[name].invariant == NOTICED[name], broken[name].violation


@pytest.mark.long
def test_a_failure_fails_again(broken: dict[str, Outcome]) -> None:
    first = broken["impact forgotten"]
    second = run_broken([("impact forgotten", first.seed)], hours=HOURS, jobs=1)[0]
    assert first.violation is not None
    assert (first.violation, first.simulated_s, first.callbacks) == (
        second.violation,
        second.simulated_s,
        second.callbacks,
    )
