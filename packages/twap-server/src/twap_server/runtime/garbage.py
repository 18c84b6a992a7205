"""Tune Python's garbage collector and count its pauses.

A full pass looks at every object that could be part of a cycle: with ten thousand orders open that takes
tenths of a second, in which nothing else happens. So nothing is collected while the server starts; what is
there once it is ready (modules, routes, open orders) is then set aside for good (``gc.freeze``) and never
looked at again. What comes later is looked at less often: the young after five thousand new objects instead
of seven hundred, all of it after a million instead of seventy thousand. A full pass then takes some ten
milliseconds for a thousand orders accepted since the start.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from twap_server.domain.clock import Clock, Nanos
from twap_server.runtime.durations import Durations, Family

_THRESHOLD: Final = (5_000, 10, 20)
_GENERATIONS: Final = 3


class Garbage:
    """The collector of this process; ``watched`` counts its pauses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = Nanos(0)
        self._pauses = [Durations() for _ in range(_GENERATIONS)]

    @property
    def pauses(self) -> Family:
        """How long the process stood still for it."""
        return Family(
            name="twap_gc_pause_seconds",
            text="Pauses for garbage collection.",
            label="generation",
            members={str(number): each for number, each in enumerate(self._pauses)},
        )

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count pauses until the block ends; what was changed meanwhile is then as it was before."""
        threshold = gc.get_threshold()
        gc.callbacks.append(self._note)
        try:
            yield
        finally:
            gc.callbacks.remove(self._note)
            gc.unfreeze()
            gc.set_threshold(*threshold)
            gc.enable()

    def _note(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = self._clock.monotonic()
        else:
            self._pauses[info["generation"]].add(self._clock.monotonic() - self._began)


def hold_off() -> None:
    """Collect nothing until one of the following: a start makes much and throws little away."""
    gc.disable()


def set_aside() -> None:
    """Never look at again what is there now, and look at the rest less often.

    What is there is not collected first: a start leaves some hundred dead objects, and a full pass would hold
    the server up for as long as it shall not be held up later.
    """
    gc.freeze()
    gc.set_threshold(*_THRESHOLD)
    gc.enable()


@contextmanager
def aside() -> Iterator[None]:
    """``set_aside`` until the block ends; afterwards it is as it was before."""
    threshold, enabled = gc.get_threshold(), gc.isenabled()
    set_aside()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
        if not enabled:
            gc.disable()


def as_usual() -> None:
    """Collect as Python does by default."""
    gc.enable()
