"""Spread the readers of one book over the second, so that they are not all served at its beginning.

A second has ``PHASES`` equal phases. Whoever joins gets a phase and keeps it, so its messages come a second
apart. The first phase is filled before another is opened, since a book is encoded anew in each.
"""

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

Reader = TypeVar("Reader", bound=Hashable)

PHASES = 10
_FULL = 100
"""Readers of one phase before the next is opened; once all are open, the emptiest takes the next reader."""
_STRIDE = 3
"""From one phase to the one opened after it; it shares no factor with ``PHASES``."""


def after(phase: int) -> int:
    """Name the phase to open after this one: not the next, but one that keeps them apart."""
    return (phase + _STRIDE) % PHASES


class StaggeredSubscribers(Generic[Reader]):
    """Readers by phase."""

    def __init__(self, first: int) -> None:
        """Fill phase ``first`` before the others."""
        self._phases: dict[int, dict[Reader, None]] = {}
        self._phase_of: dict[Reader, int] = {}
        for _ in range(PHASES):
            self._phases[first] = {}
            first = after(first)

    def __len__(self) -> int:
        return len(self._phase_of)

    def __contains__(self, reader: Reader) -> bool:
        return reader in self._phase_of

    def add(self, reader: Reader) -> None:
        """Let it read; twice is once."""
        if reader not in self._phase_of:
            phase = self._roomiest()
            self._phase_of[reader] = phase
            self._phases[phase][reader] = None

    def discard(self, reader: Reader) -> None:
        """Let it go, if it reads."""
        phase = self._phase_of.pop(reader, None)
        if phase is not None:
            del self._phases[phase][reader]

    def at(self, phase: int) -> Collection[Reader]:
        """Those served in this phase."""
        return self._phases[phase]

    def all(self) -> Collection[Reader]:
        """Everybody, in the order they came."""
        return self._phase_of

    def _roomiest(self) -> int:
        for phase, readers in self._phases.items():
            if len(readers) < _FULL:
                return phase
        return min(self._phases, key=lambda phase: len(self._phases[phase]))
