"""Rounds of all contenders on one job, each in a process of its own that idles while another runs."""

import importlib
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.replays.contender import Contender, Job, Outcome

OURS = ("benchmarks.replays.server:TwapServer", "benchmarks.replays.server:FromFile")
PEERS = (
    "benchmarks.replays.nautilus:Deltas",
    "benchmarks.replays.nautilus:Quotes",
    "benchmarks.replays.hft:HftBacktest",
)
_PATIENCE_S = 180.0


@dataclass(slots=True)
class Result:
    """What was found, by contender's label."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def rates(self, who: str) -> list[float]:
        """Messages per CPU second, one per round."""
        return [one.messages / one.seconds for one in self.outcomes[who]]


class UnfitError(Exception):
    """A contender that cannot run here, or failed."""


def race(job: Job, names: Sequence[str], *, repeats: int) -> Result:
    """Run ``repeats`` rounds."""
    result = Result()
    with _running(job, names, result) as runners:
        for _ in range(repeats):
            for label, pipe in list(runners.items()):
                pipe.send("run")
                try:
                    result.outcomes.setdefault(label, []).append(_answer(pipe))
                except UnfitError as why:
                    del runners[label], result.outcomes[label]
                    result.notes.append(f"{job.name}: {label} left out: {why}")
    return result


@contextmanager
def _running(job: Job, names: Sequence[str], result: Result) -> Iterator[dict[str, Connection]]:
    context = multiprocessing.get_context("spawn")
    started = []
    try:
        for name in names:
            near, far = context.Pipe()
            process = context.Process(target=_work, args=(far, name, job), name=name, daemon=True)
            process.start()
            far.close()
            started.append((name, process, near))
        yield dict(_fit([(name, pipe) for name, _, pipe in started], result))
    finally:
        for _, process, pipe in started:
            pipe.close()
            process.terminate()
            process.join()


def _fit(pipes: list[tuple[str, Connection]], result: Result) -> Iterator[tuple[str, Connection]]:
    for name, pipe in pipes:
        try:
            yield _answer(pipe), pipe
        except UnfitError as why:
            result.notes.append(f"{name.rpartition('.')[2].replace(':', ' ')} left out: {why}")


def _answer(pipe: Connection) -> Any:
    if not pipe.poll(_PATIENCE_S):
        raise UnfitError(f"no answer within {_PATIENCE_S:.0f} s")
    try:
        found, failure = pipe.recv()
    except (EOFError, OSError):
        raise UnfitError("its process ended") from None
    if failure:
        raise UnfitError(failure)
    return found


def _work(pipe: Connection, name: str, job: Job) -> None:
    """In the contender's own process: first its label, then an outcome each time."""
    try:
        module, _, shape = name.partition(":")
        found: type[Contender] = getattr(importlib.import_module(module), shape)
        contender = found(job)
        pipe.send((found.label, ""))
        while pipe.recv():
            pipe.send((contender.run(), ""))
    except EOFError:
        return
    except Exception as error:
        pipe.send((None, f"{type(error).__name__}: {error}"))
