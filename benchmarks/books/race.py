"""Rounds of all contenders on one stream, each in a process of its own that idles while another runs.

In: a stream, the contenders by module and class. Out: messages a second, once per round, of every contender
whose books ended right; for the others a note that says why not.
"""

import gc
import importlib
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from benchmarks.books.contender import Contender, Mode, Outcome
from benchmarks.books.judge import Judge
from benchmarks.books.stream import Stream

OURS = "benchmarks.books.server:TwapServer"
PURE = "benchmarks.books.pure:PurePython"
CEILING = "benchmarks.books.decoding:Decoding"
_READY_S, _RUN_S = 120.0, 900.0


@dataclass(slots=True)
class Result:
    """What a race found, by mode and by contender's label."""

    rates: dict[Mode, dict[str, list[float]]] = field(default_factory=dict)
    """Messages a second, one per round."""
    notes: list[str] = field(default_factory=list)

    def add(self, mode: Mode, who: str, rate: float) -> None:
        """Note a round."""
        self.rates.setdefault(mode, {}).setdefault(who, []).append(rate)

    def forget(self, who: str) -> None:
        """Take a contender's figures away."""
        for runs in self.rates.values():
            runs.pop(who, None)


def race(stream: Stream, names: Sequence[str], *, repeats: int, least: int = 0) -> Result:
    """Run ``repeats`` rounds; each figure covers at least ``least`` messages, by passes over the stream."""
    result, judge = Result(), Judge(stream)
    passes = max(1, -(-least // len(stream.messages)))
    with _running(stream, names, result) as runners:
        for _ in range(repeats):
            for mode in Mode:
                for runner in [one for one in runners if mode in one.modes]:
                    try:
                        result.add(mode, runner.label, runner.rate(mode, passes, len(stream.messages), judge))
                    except UnfitError as why:
                        result.forget(runner.label)
                        result.notes.append(f"{stream.name}: {runner.label} left out: {why}")
                        runners.remove(runner)
    return result


class UnfitError(Exception):
    """A contender that failed, or whose books ended wrong."""


@dataclass(slots=True)
class _Runner:
    """A contender's process, seen from outside."""

    process: BaseProcess
    pipe: Connection
    label: str = ""
    modes: tuple[Mode, ...] = ()

    def ready(self) -> None:
        """Learn its name; raises UnfitError where it cannot run here."""
        self.label, self.modes = self._answer(_READY_S)

    def rate(self, mode: Mode, passes: int, count: int, judge: Judge) -> float:
        """Run some passes; raises UnfitError."""
        seconds = 0.0
        for _ in range(passes):
            self.pipe.send(mode)
            outcome: Outcome = self._answer(_RUN_S)
            if objection := judge.objection(outcome):
                raise UnfitError(objection)
            seconds += outcome.seconds
        return passes * count / seconds

    def _answer(self, seconds: float) -> Any:
        if not self.pipe.poll(seconds):
            raise UnfitError(f"no answer within {seconds:.0f} s")
        try:
            found = self.pipe.recv()
        except (EOFError, OSError):
            raise UnfitError("its process ended") from None
        if isinstance(found, str):
            raise UnfitError(found)
        return found


@contextmanager
def _running(stream: Stream, names: Sequence[str], result: Result) -> Iterator[list[_Runner]]:
    context = multiprocessing.get_context("spawn")
    runners: list[_Runner] = []
    try:
        for name in names:
            near, far = context.Pipe()
            process = context.Process(target=_work, args=(far, name), name=name, daemon=True)
            process.start()
            far.close()
            runners.append(_Runner(process, near))
        for one in runners:
            with suppress(OSError):  # a process that has ended says so when it is asked
                one.pipe.send(stream)
        yield list(_fit(runners, names, result))
    finally:
        for one in runners:
            one.pipe.close()
            one.process.terminate()
            one.process.join()


def _fit(runners: list[_Runner], names: Sequence[str], result: Result) -> Iterator[_Runner]:
    for runner, name in zip(runners, names, strict=True):
        try:
            runner.ready()
        except UnfitError as why:
            result.notes.append(f"{name.rpartition('.')[2].partition(':')[0]} left out: {why}")
        else:
            yield runner


def _work(pipe: Connection, name: str) -> None:
    """In the contender's own process: answer each mode with an outcome, or with words for what failed."""
    try:
        stream = pipe.recv()
        module, _, shape = name.partition(":")
        found: type[Contender] = getattr(importlib.import_module(module), shape)
        contender = found(stream)
        gc.collect()
        gc.freeze()  # what was imported costs no contender a collection
        pipe.send((found.label, tuple(found.modes)))
        while True:
            pipe.send(contender.run(pipe.recv()))
    except EOFError:
        return
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
