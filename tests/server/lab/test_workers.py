"""lab/workers.py: a pass that was given is forgotten."""

import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from twap_server.lab import workers
from twap_server.lab.one_pass import Pass, PassResult
from twap_server.settings import Settings


class Result(PassResult):
    """One that can be watched."""


def test_what_was_given_is_not_held_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "play", lambda _: Result(engine="made"))
    jobs = [Pass(recording=Path("a"), settings=Settings(), orders=()) for _ in range(20)]
    given: list[weakref.ref[Any]] = []
    held: list[int] = []
    with ThreadPoolExecutor(2) as executor:
        for _, result in workers.Crew(2, executor).played(jobs):
            given.append(weakref.ref(result))
            del result
            held.append(sum(one() is not None for one in given))
    assert len(given) == 20
    assert max(held) <= 1
