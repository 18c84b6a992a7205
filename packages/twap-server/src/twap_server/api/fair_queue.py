"""Let few tasks work at once: urgent work first, keys served in turn, the queue bounded.

In: a key (an address, a user) and a rank. Within a rank the keys take turns, so whoever asks for much waits
behind themselves. When the line of a rank is full, the newest of the key with the most in it gives way to a
key with fewer; else the one that comes is refused.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from twap_server.domain.errors import EngineBusy

_Waiting: TypeAlias = "asyncio.Future[None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """How much of one kind of work there may be."""

    at_once: int
    waiting: int


class FairQueue:
    """Used from one event loop; nothing here waits for anything but a turn."""

    def __init__(
        self, at_once: int, ranks: Sequence[Rank], *, refusal: str, per_key: int | None = None
    ) -> None:
        """Args: at_once, of all ranks together; ranks, the most urgent first; per_key, turns of one key."""
        self._at_once = at_once
        self._ranks = ranks
        self._refusal = refusal
        self._per_key = at_once if per_key is None else per_key
        self._busy = [0] * len(ranks)
        self._keys: Counter[str] = Counter()
        self._lines = [_Line(rank.waiting, refusal) for rank in ranks]

    def __len__(self) -> int:
        """How many wait."""
        return sum(map(len, self._lines))

    @asynccontextmanager
    async def take(self, key: str, rank: int = 0) -> AsyncIterator[None]:
        """Have a turn until the block ends.

        Raises:
            EngineBusy: too many wait already, or others were let in before.
        """
        if len(self._lines[rank]) or not (self._has_room(rank) and self._may_have_more(key)):
            await self._wait(key, rank)
        else:
            self._begin(key, rank)
        try:
            yield
        finally:
            self._end(key, rank)

    async def _wait(self, key: str, rank: int) -> None:
        line = self._lines[rank]
        turn = line.enter(key)
        self._go_on()  # others of the line may be held up by their key alone
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                line.leave(key, turn)
            elif turn.exception() is None:  # it was given its turn, not refused
                self._end(key, rank)
            raise

    def _has_room(self, rank: int) -> bool:
        return sum(self._busy) < self._at_once and self._busy[rank] < self._ranks[rank].at_once

    def _may_have_more(self, key: str) -> bool:
        return self._keys[key] < self._per_key

    def _begin(self, key: str, rank: int) -> None:
        self._busy[rank] += 1
        self._keys[key] += 1

    def _end(self, key: str, rank: int) -> None:
        self._busy[rank] -= 1
        self._keys[key] -= 1
        if not self._keys[key]:
            del self._keys[key]
        self._go_on()

    def _go_on(self) -> None:
        for rank, line in enumerate(self._lines):
            while self._has_room(rank):  # asked first: thousands of keys may wait
                key = next(filter(self._may_have_more, line.served()), None)
                if key is None:
                    break
                if line.call(key):
                    self._begin(key, rank)


class _Line:
    """Who waits for one kind of work; of the keys, the one served longest ago is first."""

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._refusal = refusal
        self._waiting: OrderedDict[str, deque[_Waiting]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def served(self) -> Iterable[str]:
        """The keys in the order in which they are served."""
        return self._waiting

    def enter(self, key: str) -> _Waiting:
        if self._count >= self._most:
            self._make_room_for(key)
        turn: _Waiting = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        self._count += 1
        return turn

    def leave(self, key: str, turn: _Waiting) -> None:
        of_key = self._waiting.get(key)
        if of_key is not None and turn in of_key:
            of_key.remove(turn)
            self._count -= 1
            self._forget(key)

    def call(self, key: str) -> bool:
        """Give the first of the key its turn, unless that one has just left; then it comes last."""
        turn = self._waiting[key].popleft()
        self._count -= 1
        self._waiting.move_to_end(key)
        self._forget(key)
        if turn.done():
            return False
        turn.set_result(None)
        return True

    def _make_room_for(self, key: str) -> None:
        most = max(self._waiting, key=lambda one: len(self._waiting[one]), default=key)
        if len(self._waiting.get(most, ())) <= len(self._waiting.get(key, ())) + 1:
            raise EngineBusy(self._refusal, retry_after=2)
        last = self._waiting[most].pop()
        self._count -= 1
        if not last.done():
            last.set_exception(EngineBusy(self._refusal, retry_after=2))

    def _forget(self, key: str) -> None:
        if not self._waiting[key]:
            del self._waiting[key]
