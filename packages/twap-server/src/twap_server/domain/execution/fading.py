"""Remember what users did to a market and let it fade: what both models of own impact share.

What was noted counts at once; it is settled when it was recorded, and taken back when it could not be.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from twap_server.domain.clock import Nanos
from twap_server.domain.execution.decay import FORGOTTEN_AFTER


class _Dated(Protocol):
    @property
    def at(self) -> Nanos:
        """When it was noted."""
        ...


Key = TypeVar("Key")
Entry = TypeVar("Entry", bound=_Dated)


class FadingMemory(Generic[Key, Entry]):
    """Entries by key; bounded because they are dropped once they have decayed."""

    def __init__(self, *, half_life: int, monotonic: Callable[[], Nanos]) -> None:
        """Args: half_life: nanoseconds, above 0; monotonic: gives the time."""
        self._half_life, self._monotonic = half_life, monotonic
        self._entries: dict[Key, Entry] = {}
        self._unsettled: dict[Key, Entry | None] = {}
        """What stood there before what was noted since the last ``settle``; None: nothing."""
        self._doubtful: dict[Key, Entry | None] = {}
        """The same of a commit of which nobody knows yet whether it was recorded."""

    def __len__(self) -> int:
        return len(self._entries)

    def take_back(self) -> None:
        """Forget what was noted since the last ``settle``: it could not be recorded, so it never happened."""
        self._put_back(self._unsettled)

    def doubt(self) -> None:
        """Nobody knows whether what was noted since the last ``settle`` was recorded: it counts till then."""
        self._doubtful, self._unsettled = self._unsettled, {}

    def resolve(self, *, was_recorded: bool) -> None:
        """What was in doubt was recorded, or it never happened."""
        if was_recorded:
            self._doubtful.clear()
        self._put_back(self._doubtful)

    def settle(self) -> None:
        """Keep what was noted, and drop what has decayed to nothing.

        The oldest stand first: each was put at the end when it was noted. (What was taken back stands later
        than its age, and goes with its neighbours.)
        """
        self._unsettled.clear()
        if not self._entries:
            return
        oldest = self._monotonic() - FORGOTTEN_AFTER * self._half_life
        forgotten = []
        for key, entry in self._entries.items():
            if entry.at > oldest:
                break
            forgotten.append(key)
        for key in forgotten:
            del self._entries[key]

    def _note(self, key: Key, entry: Entry) -> None:
        """Put an entry in the place of what stood there."""
        before = self._entries.pop(key, None)
        self._unsettled.setdefault(key, before)
        self._entries[key] = entry

    def _settled(self, key: Key) -> Entry | None:
        """The entry without what is not settled."""
        return self._unsettled[key] if key in self._unsettled else self._entries.get(key)

    def _put_back(self, before: dict[Key, Entry | None]) -> None:
        for key, entry in before.items():
            if entry is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = entry
        before.clear()
