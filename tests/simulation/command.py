"""The command: runs seeds, each in a process of its own, and tells what it found."""

import argparse
import multiprocessing
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulation.nodes.sabotage import SABOTAGE as OF_NODES
from simulation.nodes.script import FAULTS as FAULTS_OF_NODES
from simulation.nodes.script import OFTEN
from simulation.nodes.world import NodesWorld
from simulation.sabotage import SABOTAGE
from simulation.world import Outcome, simulate

REGRESSIONS = Path(__file__).with_name("seeds.txt")
OF_NODES_REGRESSIONS = Path(__file__).with_name("nodes") / "seeds.txt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when every invariant held."""
    options = _parser().parse_args(arguments)
    os.environ["NO_PROXY"] = "*"
    seeds = _seeds(options)
    sums, began = Sums(), time.perf_counter()
    jobs = options.jobs or os.cpu_count() or 1
    for outcome in run(seeds, jobs=jobs, repeat=options.repeat, nodes=options.nodes):
        sums.add(outcome)
        print(line_of(outcome), flush=True)
        if outcome.violation is not None:
            print(_how_to_repeat(outcome, dict(seeds)[outcome.seed], nodes=options.nodes), flush=True)
    print("\n" + sums.text(took_s=time.perf_counter() - began))
    return 1 if sums.broken else 0


@dataclass
class Sums:
    """What all runs came to."""

    seeds: int = 0
    simulated_h: float = 0.0
    cpu_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    broken: dict[int, str] = field(default_factory=dict)
    """Seed to the invariant that it broke."""

    def add(self, outcome: Outcome) -> None:
        """Count a run."""
        self.seeds += 1
        self.simulated_h += outcome.simulated_s / 3600
        self.cpu_s += outcome.cpu_s
        self.counts.update(outcome.counts)
        self.faults.update(outcome.faults)
        if outcome.violation is not None:
            self.broken[outcome.seed] = outcome.invariant

    def text(self, *, took_s: float) -> str:
        """The last lines; the very last is the verdict and names the seeds that broke something."""
        held = f"all {self.seeds} seeds held every invariant"
        named = ", ".join(f"{seed} ({invariant})" for seed, invariant in self.broken.items())
        return "\n".join(
            [
                f"{self.simulated_h:.1f} simulated hours in {took_s:.1f} s ({self.cpu_s:.1f} s of one core: "
                f"{self.simulated_h / self.cpu_s * 3600:.0f} simulated hours an hour of one core)",
                "  " + _counted(self.counts),
                f"  {self.faults.total()} faults: {_counted(self.faults)}",
                f"{len(self.broken)} of {self.seeds} seeds broke an invariant: {named}"
                if self.broken
                else held,
            ]
        )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def run(
    seeds: Sequence[tuple[int, float]], *, jobs: int = 1, repeat: bool = False, nodes: bool = False
) -> Iterable[Outcome]:
    """Run seeds, each for its hours, in their order; ``repeat`` runs each twice and compares."""
    context = multiprocessing.get_context("fork")
    with context.Pool(jobs, maxtasksperchild=1) as pool:
        tasks = [(seed, hours, "", nodes) for seed, hours in seeds for _ in range(2 if repeat else 1)]
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
        tasks = [(seed, hours, name, name in OF_NODES) for name, seed in sabotages]
        return pool.map(_one, tasks, chunksize=1)


def compared(first: Outcome, second: Outcome) -> Outcome:
    """The first run of a seed, broken when the second differs from it: I15."""
    seen = [(run.digest, run.callbacks, run.violation) for run in (first, second)]
    if seen[0] != seen[1] and first.violation is None:
        first.invariant = "I15"
        first.violation = f"the same seed gave {first.digest[:12]} and {second.digest[:12]}"
    return first


def _one(task: tuple[int, float, str, bool]) -> Outcome:
    seed, hours, name, nodes = task
    sabotage = (SABOTAGE | OF_NODES)[name] if name else None
    if nodes:
        faults = OFTEN if name else FAULTS_OF_NODES
        return simulate(seed, hours=hours, sabotage=sabotage, kind=NodesWorld, faults=faults)
    return simulate(seed, hours=hours, sabotage=sabotage)


def _how_to_repeat(outcome: Outcome, hours: float, *, nodes: bool) -> str:
    return (
        f"  at {outcome.simulated_s:.3f} s: {outcome.invariant}: {outcome.violation}\n"
        f"  again: hatch run simulate{' --nodes' if nodes else ''} --seed {outcome.seed} --hours {hours:g}"
    )


def _seeds(options: argparse.Namespace) -> list[tuple[int, float]]:
    """Seeds and for how many hours each."""
    if options.seed:
        return [(seed, options.hours) for seed in options.seed]
    if options.regressions:
        return regressions(options.hours, OF_NODES_REGRESSIONS if options.nodes else REGRESSIONS)
    return [(seed, options.hours) for seed in range(options.first, options.first + options.seeds)]


def regressions(hours: float, file: Path = REGRESSIONS) -> list[tuple[int, float]]:
    """The seeds of ``seeds.txt``: each for so many hours, longer where its line says ``0.9h``."""
    lines = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    found = [words for words in lines if words and not words[0].startswith("#")]
    return [(int(seed), max(hours, _hours(word))) for seed, word, *_ in found]


def _hours(word: str) -> float:
    return float(word[:-1]) if re.fullmatch(r"[0-9.]+h", word) else 0.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, action="append", help="this seed (may be repeated)")
    parser.add_argument("--regressions", action="store_true", help="the seeds that once broke something")
    parser.add_argument("--hours", type=float, default=1.0, help="simulated hours of each seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time; 0: one for each core")
    parser.add_argument("--nodes", action="store_true", help="several nodes instead of one server")
    parser.add_argument("--repeat", action="store_true", help="run each seed twice and compare")
    return parser


if __name__ == "__main__":
    sys.exit(main())
