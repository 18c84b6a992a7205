"""Remember what a user already took from a level, so that the same displayed size is not taken twice.

available = displayed − remembered. The memory halves every half-life and ends when the exchange removes the
level (the book gives a level a new level_epoch when it returns). Users do not affect one another. Contract
section 5. Pure: time and the book's generations are passed in. Time is monotonic: when the wall clock jumps,
no size comes back.
"""

from collections.abc import Callable, Container
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from twap_models.enums import Side
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.execution.decay import halved
from twap_server.domain.execution.fading import FadingMemory
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


class ImpactMemory(FadingMemory[LevelKey, _Taken]):
    """Remembers what users took of levels."""

    def remembered(self, key: LevelKey, *, level_epoch: int | None, lot: Decimal) -> Decimal:
        """How much of the level this user is taken to have consumed, in lots of the exchange, rounded up.

        Less than one of its lots is nothing; an order's own lot may be coarser, and would hide more.
        """
        return _in_lots(self._left(key, level_epoch), lot)

    def settled(self, key: LevelKey, *, level_epoch: Callable[[], int | None], lot: Decimal) -> Decimal:
        """What ``remembered`` would give without what was taken since the last ``settle``.

        For who only looks: nothing is forgotten by it. ``level_epoch`` is asked where something was taken.
        """
        entry = self._settled(key)
        if entry is None or entry.level_epoch != level_epoch():
            return ZERO
        return _in_lots(self._decayed(entry), lot)

    def take(self, key: LevelKey, quantity: Decimal, *, level_epoch: int) -> None:
        """Remember that the user took ``quantity`` there, on top of what is left of before.

        Of that nothing is rounded away: another order may have a finer lot.
        """
        before = self._left(key, level_epoch)
        taken = exact.add(before, quantity) if before else quantity
        self._note(key, _Taken(taken, self._monotonic(), level_epoch))

    def recall(self, key: LevelKey, quantity: Decimal, *, at: Nanos, level_epoch: int) -> None:
        """Remember what was taken ``at`` an earlier moment, as it is recorded; call it in order of time."""
        before = self._entries.pop(key, None)
        if before is not None:
            left = halved(before.quantity, age=at - before.at, half_life=self._half_life)
            quantity = exact.add(left, quantity)
        self._entries[key] = _Taken(quantity, at, level_epoch)

    def keys_of(self, wanted: Container[tuple[str, InstrumentId]]) -> list[LevelKey]:
        """Where these users took something of these instruments."""
        return [key for key in self._entries if (key.user_id, key.instrument) in wanted]

    def _left(self, key: LevelKey, level_epoch: int | None) -> Decimal:
        """What is left of what was taken there; nothing once the exchange removed the level."""
        entry = self._entries.get(key)
        if entry is None:
            return ZERO
        if level_epoch != entry.level_epoch:
            del self._entries[key]
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
