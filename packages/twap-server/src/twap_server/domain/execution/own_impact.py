"""Keep what users took, under each impact model and half-life that their orders name.

Orders of one user under the same model and half-life see what each other took. Another model is another
market: what was taken in the one is displayed in the other.
"""

from collections.abc import Callable, Iterable

from twap_server.domain.clock import Nanos
from twap_server.domain.execution.impact import ImpactMemory
from twap_server.domain.execution.price_shift import ShiftMemory
from twap_server.domain.orders.realism import SHIFT_HALF_LIFE


class ImpactMemories:
    """All memories; those that nobody uses any more are dropped."""

    def __init__(self, *, half_life: int, monotonic: Callable[[], Nanos]) -> None:
        """Args: half_life: of the settings, nanoseconds, above 0; monotonic: gives the time."""
        self._half_life, self._monotonic = half_life, monotonic
        self.usual = ImpactMemory(half_life=half_life, monotonic=monotonic)
        """Of orders that name no half-life."""
        self._levels: dict[int, ImpactMemory] = {}
        self._shifts: dict[int, ShiftMemory] = {}

    def levels(self, half_life: int | None) -> ImpactMemory:
        """Where what was taken comes back at its price; None: at the half-life of the settings."""
        if half_life is None or half_life == self._half_life:
            return self.usual
        if half_life not in self._levels:
            self._levels[half_life] = ImpactMemory(half_life=half_life, monotonic=self._monotonic)
        return self._levels[half_life]

    def shifts(self, half_life: int | None) -> ShiftMemory:
        """Where the distance walked shrinks; None: at the usual half-life of that model."""
        key = SHIFT_HALF_LIFE if half_life is None else half_life
        if key not in self._shifts:
            self._shifts[key] = ShiftMemory(half_life=key, monotonic=self._monotonic)
        return self._shifts[key]

    def settle(self) -> None:
        """Keep what was taken, and drop what has decayed."""
        self.usual.settle()
        if self._levels or self._shifts:
            for memory in self._others():
                memory.settle()
            self._levels = {key: one for key, one in self._levels.items() if len(one)}
            self._shifts = {key: one for key, one in self._shifts.items() if len(one)}

    def take_back(self) -> None:
        """Forget what was taken since the last ``settle``."""
        self.usual.take_back()
        for memory in self._others():
            memory.take_back()

    def doubt(self) -> None:
        """Nobody knows whether what was taken since the last ``settle`` was recorded."""
        self.usual.doubt()
        for memory in self._others():
            memory.doubt()

    def resolve(self, *, was_recorded: bool) -> None:
        """What was in doubt was recorded, or it never happened."""
        self.usual.resolve(was_recorded=was_recorded)
        for memory in self._others():
            memory.resolve(was_recorded=was_recorded)

    def _others(self) -> Iterable[ImpactMemory | ShiftMemory]:
        yield from self._levels.values()
        yield from self._shifts.values()
