"""Remember what a user already took from a level, so that the same displayed size is not taken twice.

available = displayed − remembered. The memory halves every half-life and ends when the exchange removes the
level (the book gives a level a new level_epoch when it returns). Users do not affect one another. Contract
section 5. Pure: time and the book's generations are passed in. Time is monotonic: when the wall clock jumps,
no size comes back.
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from itertools import takewhile
from typing import NamedTuple

from twap_models.enums import Side
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.execution.decay import FORGOTTEN_AFTER, halved
from twap_server.domain.execution.unsettled import Unsettled
from twap_server.domain.market.instrument import InstrumentId


class LevelKey(NamedTuple):
    """One user's view of one level."""

    user_id: str
    instrument: InstrumentId
    side: Side
    price: Decimal


class _Taken(NamedTuple):
    quantity: Decimal
    at: Nanos
    level_epoch: int


class ImpactMemory:
    """Remembers own impact; bounded because entries are dropped once they have decayed."""

    def __init__(self, *, half_life: int, monotonic: Callable[[], Nanos]) -> None:
        """Args: half_life: nanoseconds, above 0; monotonic: gives the time."""
        self._half_life, self._monotonic = half_life, monotonic
        self._taken: dict[LevelKey, _Taken] = {}
        self._unsettled: Unsettled[LevelKey, _Taken] = Unsettled(self._taken)

    def __len__(self) -> int:
        return len(self._taken)

    def remembered(self, key: LevelKey, *, level_epoch: int | None, lot: Decimal) -> Decimal:
        """How much of the level this user is taken to have consumed, in lots of the exchange, rounded up.

        Less than one of its lots is nothing; an order's own lot may be coarser, and would hide more.
        """
        return _in_lots(self._left(key, level_epoch), lot)

    def settled(self, key: LevelKey, *, level_epoch: Callable[[], int | None], lot: Decimal) -> Decimal:
        """What ``remembered`` would give without what was taken since the last ``settle``.

        For who only looks: nothing is forgotten by it. ``level_epoch`` is asked where something was taken.
        """
        entry = self._unsettled.settled(key)
        if entry is None or entry.level_epoch != level_epoch():
            return ZERO
        return _in_lots(self._decayed(entry), lot)

    def take(self, key: LevelKey, quantity: Decimal, *, level_epoch: int) -> None:
        """Remember that the user took ``quantity`` there, on top of what is left of before.

        Of that nothing is rounded away: another order may have a finer lot.
        """
        before = self._left(key, level_epoch)
        entry = self._taken.pop(key, None)
        self._unsettled.note(key, entry)
        taken = exact.add(before, quantity) if before else quantity
        self._taken[key] = _Taken(taken, self._monotonic(), level_epoch)

    def take_back(self) -> None:
        """Forget what was taken since the last ``settle``: it could not be recorded, so it never happened."""
        self._unsettled.take_back()

    def doubt(self) -> None:
        """Nobody knows whether what was taken since the last ``settle`` was recorded: it counts till then."""
        self._unsettled.doubt()

    def resolve(self, *, was_recorded: bool) -> None:
        """What was in doubt was recorded, or it never happened."""
        self._unsettled.resolve(was_recorded=was_recorded)

    def settle(self) -> None:
        """Keep what was taken, and drop what has decayed to nothing.

        The oldest stand first: each was put at the end when it was taken. (What was taken back stands later
        than its age, and goes with its neighbours.)
        """
        self._unsettled.settle()
        if not self._taken:
            return
        oldest = self._monotonic() - FORGOTTEN_AFTER * self._half_life
        for key in [key for key, _ in takewhile(lambda pair: pair[1].at <= oldest, self._taken.items())]:
            del self._taken[key]

    def _left(self, key: LevelKey, level_epoch: int | None) -> Decimal:
        """What is left of what was taken there; nothing once the exchange removed the level."""
        entry = self._taken.get(key)
        if entry is None:
            return ZERO
        if level_epoch != entry.level_epoch:
            del self._taken[key]
            return ZERO
        return self._decayed(entry)

    def _decayed(self, entry: _Taken) -> Decimal:
        age = self._monotonic() - entry.at
        return halved(entry.quantity, age=age, half_life=self._half_life)


def _in_lots(left: Decimal, lot: Decimal) -> Decimal:
    """Rounded up; less than one lot is nothing."""
    if left < lot:
        return ZERO
    return exact.multiply((left / lot).to_integral_value(ROUND_CEILING), lot)
