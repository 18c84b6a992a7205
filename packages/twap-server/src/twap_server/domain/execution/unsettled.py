"""Undo what a memory noted, as long as nobody knows whether it was recorded."""

from typing import Generic, TypeVar

Key = TypeVar("Key")
Entry = TypeVar("Entry")


class Unsettled(Generic[Key, Entry]):
    """What stood in a memory before the entries that are not settled yet."""

    __slots__ = ("_before", "_doubtful", "_memory")

    def __init__(self, memory: dict[Key, Entry]) -> None:
        """Args: memory: that is undone; whoever changes an entry notes it here."""
        self._memory = memory
        self._before: dict[Key, Entry | None] = {}
        self._doubtful: dict[Key, Entry | None] = {}

    def note(self, key: Key, before: Entry | None) -> None:
        """An entry changes; ``before`` stood there, None: nothing."""
        self._before.setdefault(key, before)

    def settled(self, key: Key) -> Entry | None:
        """The entry without what is not settled."""
        return self._before[key] if key in self._before else self._memory.get(key)

    def settle(self) -> None:
        """It was recorded: keep it."""
        self._before.clear()

    def take_back(self) -> None:
        """It could not be recorded, so it never happened."""
        self._put_back(self._before)

    def doubt(self) -> None:
        """Nobody knows whether it was recorded: it counts until that is known."""
        self._doubtful, self._before = self._before, {}

    def resolve(self, *, was_recorded: bool) -> None:
        """What was in doubt was recorded, or it never happened."""
        if was_recorded:
            self._doubtful.clear()
        self._put_back(self._doubtful)

    def _put_back(self, before: dict[Key, Entry | None]) -> None:
        for key, entry in before.items():
            if entry is None:
                self._memory.pop(key, None)
            else:
                self._memory[key] = entry
        before.clear()
