"""Cut a part out of a recording so that it can be played by itself: its books have to begin in it.

1. What was received from ``begin`` to ``end`` is kept.
2. A book is known from a whole one and all changes after it. So the part begins with the last whole book
   before ``begin``, of each instrument that has one: with the oldest of them. Where it came over REST,
   changes that came before it and are newer stay, too. Without one a book begins with the first whole one in
   the part.
3. Of before that is kept what the rest is read by: the lists of instruments, and of each connection that is
   still open how it was opened, what was asked over it and how that was answered.
4. Of one instrument, messages about others are left out; those that name none stay. Where an exchange numbers
   all messages of a connection, all of each connection stay: one that is left out would be a loss.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import TwapError
from twap_server.domain.market.errors import FeedError, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    MarketEvent,
    Refused,
    Subscribed,
    Trade,
)
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Exchange, Start, Stream
from twap_server.recordings.frames import is_answer, moment_of, rows_of
from twap_server.recordings.lines import Message
from twap_server.recordings.rows import ENDED, LOST, OPENED, Row
from twap_server.replay.answers import RecordedRest

_RECENT: Final = 2_000
"""Changes of a book that may have come before an answer over REST and are newer than it."""
_Place: TypeAlias = tuple[int, Nanos]
"""The number of a row, and its moment."""


@dataclass(slots=True)
class _Told:
    """What a row tells."""

    symbols: set[str] = field(default_factory=set)
    """Whose books or trades it is about."""
    begun: dict[str, int] = field(default_factory=dict)
    """Whose books begin with it, and after which change."""
    changes: list[tuple[str, int]] = field(default_factory=list)
    """Changes of books: whose, and their numbers."""
    is_answered: bool = False
    """It answers a subscription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Where a part begins."""

    row: int
    """The number of its first row, counted from 0."""
    at: Nanos
    """When that was received."""
    earlier: frozenset[str]
    """Symbols whose whole book of before ``begin`` is in it."""


class Cutter:
    """Cuts one recording of one exchange; reads it twice."""

    def __init__(
        self,
        path: Path,
        exchange: Exchange,
        listed: Sequence[Instrument],
        *,
        wanted: Sequence[Instrument],
        list_paths: Iterable[str],
    ) -> None:
        """Args:
        path: of the recording.
        exchange: of its own: it is taught the list.
        listed: its whole list of instruments.
        wanted: those to keep; empty keeps all.
        list_paths: where it is asked for its list over REST.
        """
        exchange.learn(listed)
        self._path, self._exchange, self._listed = path, exchange, listed
        self._wanted = {one.id.symbol: one for one in wanted}
        self._list_paths = tuple(list_paths)
        self._streams: dict[str, Stream] = {}

    def part(self, begin: Nanos, end: Nanos) -> Part | None:
        """Find where the part begins; None where the recording has nothing from ``begin`` to ``end``."""
        begun: dict[str, _Place] = {}
        recent: defaultdict[str, deque[tuple[int, _Place]]] = defaultdict(lambda: deque(maxlen=_RECENT))
        for number, at, row in self._rows():
            if at >= begin:
                if at > end:
                    return None
                first = min(begun.values(), default=(number, at))
                return Part(row=first[0], at=first[1], earlier=frozenset(begun))
            told, place = self._told(row), (number, at)
            for symbol, change in told.changes:
                recent[symbol].append((change, place))
            for symbol, after in told.begun.items():
                if self._is_wanted(symbol):
                    newer = (one for change, one in recent[symbol] if change > after > 0)
                    begun[symbol] = min(place, next(newer, place))
        return None

    def messages(self, part: Part, end: Nanos) -> Iterator[Message]:
        """Give what is kept, in order: everything up to ``end``."""
        before: dict[tuple[str, int], Message] = {}
        for number, at, row in self._rows():
            if at > end:
                break
            told = self._told(row)
            message: Message = (at, row.dir, row.conn, row.content)
            if number < part.row:
                self._note_before(before, number, told, message)
                continue
            yield from before.values()
            before.clear()
            if self._is_kept(row, told):
                yield message
        yield from before.values()

    def _note_before(
        self, before: dict[tuple[str, int], Message], number: int, told: _Told, message: Message
    ) -> None:
        """Keep what the rest is read by; see step 3."""
        _, direction, conn, _ = message
        if direction in (OPENED, ENDED, LOST):
            for key in [one for one in before if one[0] == conn]:
                del before[key]
        if direction == LOST and not is_answer(conn):  # what is missing came before: the part lacks nothing
            before[conn, number] = (message[0], OPENED, conn, b"")
        elif direction in (OPENED, "out") or told.is_answered:
            before[conn, number] = message
        elif is_answer(conn) and self._is_list(conn):
            before.pop((conn, 0), None)
            before[conn, 0] = message

    def _is_kept(self, row: Row, told: _Told) -> bool:
        if not self._wanted or row.dir != "in":
            return True
        if is_answer(row.conn):
            return bool(told.begun & self._wanted.keys()) or self._is_list(row.conn)
        if self._exchange.numbers_connections:
            return True
        return not told.symbols or bool(told.symbols & self._wanted.keys())

    def _rows(self) -> Iterator[tuple[int, Nanos, Row]]:
        """The rows with their numbers and moments; connections begin anew."""
        self._streams.clear()
        at = Nanos(0)
        for number, (_, row) in enumerate(rows_of(self._path)):
            if row.t is not None or row.dir == "in":
                at = moment_of(row, after=at)
            yield number, at, row

    def _is_wanted(self, symbol: str) -> bool:
        return not self._wanted or symbol in self._wanted

    def _is_list(self, conn: str) -> bool:
        return any(one in conn for one in self._list_paths)

    def _told(self, row: Row) -> _Told:
        if row.dir in (OPENED, ENDED, LOST):
            self._streams.pop(row.conn, None)
        if row.dir != "in":
            return _Told()
        return self._answered(row) if is_answer(row.conn) else self._said(row)

    def _answered(self, row: Row) -> _Told:
        """What an answer over REST tells: only where books begin with one it may be a book."""
        if self._exchange.start is not Start.FETCHED or self._is_list(row.conn):
            return _Told()
        answer = RecordedRest("")
        answer.note(Nanos(0), row.content, 0, row.conn)
        every = self._wanted.values() or self._listed
        books = [book for one in every if (book := self._book(answer, one)) is not None]
        return _Told(symbols={one.symbol for one in books}, begun={one.symbol: one.last_id for one in books})

    def _book(self, answer: RecordedRest, instrument: Instrument) -> BookSnapshot | None:
        """The book in an answer, where it is one of this instrument."""
        try:
            return answer.lead(self._exchange.snapshot(instrument))
        except (TwapError, FeedError):
            return None

    def _said(self, row: Row) -> _Told:
        """What a message tells; one that cannot be read tells nothing, and stays."""
        told = _Told()
        try:
            events = self._stream(row.conn).decode(row.content)
        except WireFormatError as error:
            told.symbols.update(error.doubted or ())
            events = error.readable
        except FeedError:  # the connection's own count shows a loss: whoever plays the part will see it
            self._streams.pop(row.conn, None)
            events = ()
        for event in events:
            self._note(told, event)
        return told

    def _note(self, told: _Told, event: MarketEvent) -> None:
        if isinstance(event, BookChange | BookSnapshot | Trade):
            told.symbols.add(event.symbol)
        if isinstance(event, BookSnapshot):
            told.begun[event.symbol] = 0
        if isinstance(event, BookChange):
            told.changes.append((event.symbol, event.last_id))
        told.is_answered |= isinstance(event, Subscribed | Refused)

    def _stream(self, conn: str) -> Stream:
        found = self._streams.get(conn)
        if found is None:
            found = self._streams[conn] = self._exchange.new_stream()
            found.opening()
            found.subscribe(self._listed)
        return found
