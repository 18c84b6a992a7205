"""The command: runs seeds, each in a process of its own, and tells what it found."""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from simulation.world import Outcome, simulate

REGRESSIONS = Path(__file__).with_name("seeds.txt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when every invariant held."""
    options = _parser().parse_args(arguments)
    os.environ["NO_PROXY"] = "*"
    seeds = _seeds(options)
    failed = 0
    totals: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    began, simulated, cpu = time.perf_counter(), 0.0, 0.0
    for outcome in run(seeds, hours=options.hours, jobs=options.jobs, repeat=options.repeat):
        simulated += outcome.simulated_s
        cpu += outcome.cpu_s
        totals.update(outcome.counts)
        faults.update(outcome.faults)
        print(line_of(outcome), flush=True)
        if outcome.violation is not None:
            failed += 1
            print(_how_to_repeat(outcome, options.hours), flush=True)
    hours = simulated / 3600
    print(
        f"\n{len(seeds)} seeds: {hours:.1f} simulated hours in {time.perf_counter() - began:.1f} s "
        f"({cpu:.1f} s of one core: {hours / cpu * 3600:.0f} simulated hours an hour of one core)"
    )
    print("  " + ", ".join(f"{count} {name}" for name, count in sorted(totals.items())))
    print(
        f"  {sum(faults.values())} faults: " + ", ".join(f"{name} {n}" for name, n in sorted(faults.items()))
    )
    print(f"  {failed} seeds broke an invariant" if failed else "  every invariant held")
    return 1 if failed else 0


def run(seeds: Sequence[int], *, hours: float, jobs: int = 1, repeat: bool = False) -> Iterable[Outcome]:
    """Run seeds, in their order; ``repeat`` runs each twice and compares."""
    context = multiprocessing.get_context("fork")
    with context.Pool(jobs, maxtasksperchild=1) as pool:
        tasks = [(seed, hours, "") for seed in seeds for _ in range(2 if repeat else 1)]
        before: Outcome | None = None
        for outcome in pool.imap(_one, tasks, chunksize=1):
            if not repeat:
                yield outcome
            elif before is None:
                before = outcome
            else:
                yield compared(before, outcome)
                before = None


def line_of(outcome: Outcome) -> str:
    """One line about a run."""
    verdict = "ok" if outcome.violation is None else f"BROKEN {outcome.invariant}"
    counts = " ".join(f"{name}={count}" for name, count in outcome.counts.items())
    return (
        f"seed={outcome.seed} {verdict} simulated={outcome.simulated_s / 3600:.2f}h cpu={outcome.cpu_s:.1f}s "
        f"{counts} faults={sum(outcome.faults.values())} callbacks={outcome.callbacks} {outcome.digest[:12]}"
    )


def run_broken(sabotages: Sequence[tuple[str, int]], *, hours: float, jobs: int) -> list[Outcome]:
    """Run seeds on a product in which something was broken on purpose, each in a process of its own."""
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        return pool.map(_one, [(seed, hours, name) for name, seed in sabotages], chunksize=1)


def compared(first: Outcome, second: Outcome) -> Outcome:
    """The first run of a seed, broken when the second differs from it: I15."""
    seen = [(run.digest, run.callbacks, run.violation) for run in (first, second)]
    if seen[0] != seen[1] and first.violation is None:
        first.invariant = "I15"
        first.violation = f"the same seed gave {first.digest[:12]} and {second.digest[:12]}"
    return first


def _one(task: tuple[int, float, str]) -> Outcome:
    return simulate(task[0], hours=task[1], sabotage=task[2])


def _how_to_repeat(outcome: Outcome, hours: float) -> str:
    return (
        f"  at {outcome.simulated_s:.3f} s: {outcome.invariant}: {outcome.violation}\n"
        f"  again: hatch run simulate --seed {outcome.seed} --hours {hours:g}"
    )


def _seeds(options: argparse.Namespace) -> list[int]:
    if options.seed:
        return list(options.seed)
    if options.regressions:
        lines = REGRESSIONS.read_text(encoding="utf-8").splitlines()
        return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]
    return list(range(options.first, options.first + options.seeds))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, action="append", help="this seed (may be repeated)")
    parser.add_argument("--regressions", action="store_true", help="the seeds of tests/simulation/seeds.txt")
    parser.add_argument("--hours", type=float, default=1.0, help="simulated hours of each seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--repeat", action="store_true", help="run each seed twice and compare")
    return parser


if __name__ == "__main__":
    sys.exit(main())
