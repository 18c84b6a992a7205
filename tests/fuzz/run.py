"""Feeds parsers in turn for a while, and keeps what was found: small, with its seed, in a file."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.case import Parser, kind_of

_TURN_S = 0.5
"""Of one parser, before the next has its turn: the quick ones read many more inputs."""
_TRIES = 300
"""To make a finding smaller."""
_MOST_FOUND = 5
"""Of one parser, after which it is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One finding."""

    parser: str
    seed: str
    """Of the input as it was made; ``data`` is smaller."""
    data: bytes
    wrong: str


@dataclass
class Report:
    """What was done and found."""

    inputs: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)
    seconds: float = 0


def fuzz(
    parsers: Sequence[Parser],
    *,
    seed: int,
    seconds: float = float("inf"),
    inputs: int = 10**12,
    say: Callable[[Found], None] = lambda found: None,
) -> Report:
    """Feed each parser odd inputs until the time is over, or so many were fed to each."""
    report, kinds = Report(), set[str]()
    started = time.monotonic()
    left = list(parsers)
    while left and time.monotonic() - started < seconds:
        for parser in list(left):
            _turn(parser, report, kinds, seed=seed, most=inputs, say=say)
            mine = sum(one.parser == parser.name for one in report.found)
            if report.inputs[parser.name] >= inputs or mine >= _MOST_FOUND:
                left.remove(parser)
    report.seconds = time.monotonic() - started
    return report


def _turn(
    parser: Parser, report: Report, kinds: set[str], *, seed: int, most: int, say: Callable[[Found], None]
) -> None:
    until = time.monotonic() + _TURN_S
    while (number := report.inputs[parser.name]) < most and time.monotonic() < until:
        name = f"{seed}:{parser.name}:{number}"
        data = parser.made(name)
        report.inputs[parser.name] += 1
        wrong = parser.wrong(data)
        kind = f"{parser.name} {kind_of(wrong)}" if wrong else ""
        if wrong and kind not in kinds:
            kinds.add(kind)
            small = shrunk(parser, data, kind_of(wrong))
            report.found.append(Found(parser=parser.name, seed=name, data=small, wrong=wrong))
            say(report.found[-1])


def shrunk(parser: Parser, data: bytes, kind: str) -> bytes:
    """A smaller input with the same finding: parts are left out, ever smaller ones."""
    size, tries = max(1, len(data) // 2), 0
    while size and tries < _TRIES:
        place = 0
        while place < len(data) and tries < _TRIES:
            less = data[:place] + data[place + size :]
            tries += 1
            wrong = parser.wrong(less)
            if wrong and kind_of(wrong) == kind:
                data = less
            else:
                place += size
        size //= 2
    return data


def keep(found: Found, folder: Path) -> Path:
    """Write a finding's input to a file; gives it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{found.parser}-{hashlib.sha256(found.data).hexdigest()[:12]}.bin"
    path.write_bytes(found.data)
    return path
