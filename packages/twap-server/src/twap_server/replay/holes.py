"""Find where recordings have nothing, as their messages go by: nobody recorded, or an exchange was silent.

A hole is a pause between two messages of an exchange, over whichever of its connections, that is longer than
silence is borne; where a connection was opened or ended in it, longer than a second. What is borne goes by
the pace of the exchange's own messages: a few times the longest pause before, within a live server's bounds.
Where the recording says that messages are missing there is a hole, too, however short: to the next message.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from twap_models.enums import AGGREGATE
from twap_server.books.pulse import LEAST
from twap_server.collector.silence import MOST
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.record import Hole
from twap_server.recordings.losses import Loss, LossWatch
from twap_server.recordings.rows import count_in
from twap_server.replay.origin import NOWHERE, PlayedConnection, PlayedFrame

_FEW: Final = 3
_LONG_AGO: Final = Nanos(-(2**63))
_LOOKED_AT: Final = min(SECOND, LEAST // _FEW)
"""Shorter pauses are no holes, and make none be borne."""


class _Exchange:
    """Of one exchange, what was heard last, and what is usual."""

    __slots__ = ("heard_at", "is_bounded", "longest", "losses")

    def __init__(self, heard_at: Nanos) -> None:
        self.heard_at = heard_at
        self.longest = 0
        """Pause so far that was no hole."""
        self.is_bounded = False
        """Whether a connection was opened or ended since it was heard."""
        self.losses = LossWatch()

    def is_hole(self, pause: int) -> bool:
        """Whether a pause is one; else it is usual from now on."""
        borne = _LOOKED_AT if self.is_bounded else min(max(_FEW * self.longest, LEAST), MOST)
        if pause > borne:
            return True
        self.longest = max(self.longest, pause)
        return False


class Holes:
    """Those of all recordings of a replay, as far as they were read."""

    def __init__(self, known: Iterable["Holes"] = ()) -> None:
        """Args: known: those of recordings that were read before."""
        self._exchanges: dict[str, _Exchange] = {}
        before = list(known)
        self._found: list[tuple[str, Hole]] = [hole for one in before for hole in one._found]
        self._losses = [loss for one in before for loss in one.losses]

    def watching(self, frames: Iterator[PlayedFrame]) -> Iterator[PlayedFrame]:
        """Pass messages on, and look at the pauses between them."""
        before, heard = NOWHERE, _Exchange(Nanos(0))
        for frame in frames:
            at, source = frame[0], frame[3]
            if source is not before:
                before, heard = source, self._exchanges.setdefault(source.exchange, _Exchange(at))
            if source.is_loss:
                self._lose(source, heard, at, count_in(frame[1]))
            elif source.is_boundary:
                heard.is_bounded = True
            else:
                if at - heard.heard_at > _LOOKED_AT:
                    self._look(source.exchange, heard, at)
                heard.heard_at, heard.is_bounded = at, False
            yield frame
        for exchange, heard in self._exchanges.items():
            self._look(exchange, heard, heard.heard_at)

    @property
    def losses(self) -> Sequence[Loss]:
        """Messages that are missing, by what the recordings say."""
        return [*self._losses, *(loss for one in self._exchanges.values() for loss in one.losses.found)]

    def _lose(self, source: PlayedConnection, heard: _Exchange, at: Nanos, messages: int) -> None:
        """Messages are missing from now to the next one, which is looked at whenever it comes."""
        if heard.losses.since is None:
            self._look(source.exchange, heard, at)
        heard.losses.lose(source.path, at, messages)
        heard.heard_at = _LONG_AGO

    def _look(self, exchange: str, heard: _Exchange, at: Nanos) -> None:
        begin = heard.losses.since
        if begin is not None:
            heard.losses.hear(at)
            if begin < at:
                self._found.append((exchange, Hole(begin, at)))
        elif heard.is_hole(at - heard.heard_at):
            self._found.append((exchange, Hole(heard.heard_at, at)))

    def within(self, exchange: str, begin: Nanos, end: Nanos) -> tuple[Hole, ...]:
        """Those of an exchange, or of any for ``aggregate``, that reach into a window."""
        return tuple(hole for hole in self._of(exchange) if hole.begin < end and begin < hole.end)

    def last_before(self, exchange: str, moment: Nanos) -> tuple[Hole, ...]:
        """The last of an exchange that was over by a moment, if there is one."""
        return tuple(hole for hole in self._of(exchange) if hole.end <= moment)[-1:]

    def _of(self, exchange: str) -> Iterator[Hole]:
        return (hole for name, hole in self._found if exchange in (name, AGGREGATE))


def holes_in(frames: Iterable[PlayedFrame]) -> Holes:
    """Read frames to their end, and find their holes."""
    holes = Holes()
    deque(holes.watching(iter(frames)), maxlen=0)
    return holes
