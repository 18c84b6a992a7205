"""Prepare one exchange of a replay: its recordings, its list of instruments, the depth of its books.

In: recordings, and the list where they do not hold it. Out: its messages as they are to be played, and what
answers requests over REST in its place.
"""

import asyncio
from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import httpx
from starlette.applications import Starlette

from twap_server.clock import VirtualClock
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import InvalidRequest, TwapError
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Exchange, Start
from twap_server.exchanges.registry import EXCHANGES
from twap_server.recordings.folders import played_parts
from twap_server.recordings.frames import RecordedFrame, Recording, frames, is_answer
from twap_server.recordings.manifest import files_of
from twap_server.replay.answers import BESIDE, RecordedRest
from twap_server.replay.depth import recorded_depth
from twap_server.replay.holes import Holes, holes_in
from twap_server.replay.origin import (
    NoteAnswer,
    Origins,
    PlayedFrame,
    exchange_of,
    of_one,
    parted,
    without_answers,
)
from twap_server.venue.exchange import Switchboard
from twap_server.venue.instruments import BINANCE, KRAKEN
from twap_server.venue.recording import RecordingSource

ORIGINS: Final = Origins(
    {address: one.name for one in EXCHANGES for address in (one.default_ws_url, *one.other_ws_urls)}
)
_SCANNED: Final = 2_000
"""Messages of a recording among which the first books and lists are looked for."""
_SIMULATED: Final = (BINANCE, KRAKEN)
"""Exchanges whose instruments can be told from a recording without their list."""


def exchanges_in(recordings: Sequence[Recording]) -> "list[PlayedExchange]":
    """Give the exchanges by name; a folder of folders, as ``--record`` makes it, is one for each of them.

    Of such a folder those are left out of which nobody asked for a book: they hold a list of instruments.

    Raises:
        InvalidRequest: one is given twice, cannot be read, or is of no exchange that can be replayed.
    """
    found: dict[str, list[Recording]] = {}
    seen: set[Path] = set()
    for one in (part for given in recordings for part in _parts(given)):
        if one.path.resolve() in seen:
            raise InvalidRequest(f"{one.path} is given twice: name each recording once", field="RECORDING")
        seen.add(one.path.resolve())
        found.setdefault(exchange_of(one.path, one.frames(), ORIGINS), []).append(one)
    return [PlayedExchange(name, parts) for name, parts in sorted(found.items())]


def _parts(given: Recording) -> list[Recording]:
    if not given.path.exists():
        raise InvalidRequest(
            f"cannot read the recording {given.path}: No such file or directory", field="RECORDING"
        )
    if not given.path.is_dir():
        return [given]
    folders = played_parts(given.path)
    return [given] if folders == [given.path] else [Recording(one) for one in folders]


class PlayedExchange:
    """One exchange, as far as it was recorded."""

    def __init__(self, name: str, recordings: Sequence[Recording]) -> None:
        """Args: recordings: all of this exchange, at least one."""
        self.name = name
        self.shape = next(one for one in EXCHANGES if one.name == name)
        self.rest = RecordedRest(f"/{name}")
        self.depth = 0
        """Levels a side of its books; 0 where the recordings do not tell."""
        self.first = Nanos(0)
        """When its first message was received."""
        self._recordings = recordings
        self._source: RecordingSource | None = None
        self._list_paths: set[str] = set()

    def tapes(self, *, on_answer: NoteAnswer | None = None) -> list[Iterator[PlayedFrame]]:
        """Its messages, recording by recording.

        Args:
            on_answer: takes what answered requests, none later than it comes by; without it, ``rest`` does.
        """
        return [
            self._tape(one, on_answer or partial(self.rest.note, recording=number))
            for number, one in enumerate(self._recordings)
        ]

    def holes(self) -> Holes | None:
        """Its holes, found once where its one recording is kept; None: they are to be watched for."""
        (one, *others) = self._recordings
        kept = None if others else self._kept(one)
        return None if kept is None else one.found("holes", lambda: holes_in(kept[0]))

    def _tape(self, one: Recording, note: NoteAnswer) -> Iterator[PlayedFrame]:
        if (kept := self._kept(one)) is None:
            return without_answers(self._told(one), note)
        messages, answers = kept
        for at, raw, line, source, _ in answers:
            note(at, raw, line, source.conn)
        return iter(messages)

    def _kept(self, one: Recording) -> tuple[Sequence[PlayedFrame], Sequence[PlayedFrame]] | None:
        """Messages and answers that are in memory; None without, or where not all can be read."""
        if one.is_kept:
            with suppress(InvalidRequest):  # that is for whoever reads as far
                return one.found("tape", lambda: parted(self._told(one)))
        return None

    def _told(self, one: Recording) -> Iterator[PlayedFrame]:
        return of_one(one.path, one.frames(), ORIGINS, self.shape.says_nothing)

    def prepare(self, instruments: Path | None, clock: Clock) -> None:
        """Find the list of instruments, in the recordings or beside them, and the depth of the books.

        Args:
            instruments: where the recordings do not hold the list.
            clock: of the replay.

        Raises:
            InvalidRequest: there is no list, or it cannot be read.
        """
        rest, first = self.rest, next(self.shape().instruments())
        rest.clock = clock
        rest.list_paths.add(first.path)
        begin = self._begin()
        if instruments is not None:
            _add_list(rest, instruments)
        if rest.known(first) is not None:
            exchange = self.shape()
            self.depth = recorded_depth(exchange, _listed(exchange, rest, self._list_paths), rest, begin)
        elif (only := self._only_file) is not None:
            self._source = self._recordings[0].found("market", lambda: self._as_source(only))
            self.depth = self._source.depth
            rest.fallback = _simulated(self._source, clock)  # which answers as it stands: it never plays
        else:
            raise self._without_list(instruments, first.path)

    def _as_source(self, path: Path) -> RecordingSource:
        source = RecordingSource(path, clock=VirtualClock(Nanos(0)))
        if not source.pairs(self.name):
            raise InvalidRequest(
                f"{path} has no message of a book of {self.name} among its first {_SCANNED:,}: "
                "expected a recording of order books",
                field="recording",
            )
        return source

    def listed(self) -> Sequence[Instrument]:
        """Read the list of instruments, once ``prepare`` has found it.

        Raises:
            InvalidRequest: it cannot be read.
        """
        exchange = self.shape()
        return (
            _listed(exchange, self.rest, set())
            if self._source is None
            else asyncio.run(self._made_up(exchange))
        )

    async def _made_up(self, exchange: Exchange) -> Sequence[Instrument]:
        """Ask the simulated exchange for its list."""
        asking = exchange.instruments()
        try:
            request = next(asking)
            while True:
                url = f"http://recording/{self.name}{request.path}"
                answer = await self.rest(httpx.Request("GET", url, params=request.params))
                request = asking.send(await answer.aread())
        except StopIteration as end:
            found: Entries[Instrument] = end.value
            return found.found

    def check_book(self, exchange: Exchange, instrument: Instrument) -> None:
        """Check that a book can begin.

        Raises:
            InvalidRequest: it begins with an answer over REST, and there is none near the start.
        """
        if not self.has_book(exchange, instrument):
            raise InvalidRequest(
                f"the recording holds no REST book of {instrument.native} near its start: "
                f"a book of {exchange.name} cannot begin without one",
                field="recording",
            )

    def has_book(self, exchange: Exchange, instrument: Instrument) -> bool:
        """Whether a book can begin, as far as that is known before its messages are played."""
        if exchange.start is not Start.FETCHED:
            return True
        asked = next(exchange.snapshot(instrument))
        self.rest.book_paths.add(asked.path)
        return self.rest.known(asked) is not None

    def pairs(self) -> str:
        """The symbols of its messages where they were counted, else nothing."""
        return "" if self._source is None else ", ".join(sorted(self._source.pairs(self.name)))

    @property
    def _only_file(self) -> Path | None:
        """The file from whose messages its list can be made up: the one of an exchange that is simulated."""
        if self.name not in _SIMULATED or len(self._recordings) > 1:
            return None
        path = self._recordings[0].path
        files = list(files_of(path)) if path.is_dir() else [path]
        return files[0] if len(files) == 1 else None

    @property
    def has_made_list(self) -> bool:
        """Whether its list is made up from its messages: what it says of an instrument never changes."""
        return self._source is not None

    @property
    def list_paths(self) -> Set[str]:
        """Where the exchange is asked for its list over REST, as far as that is known."""
        return self._list_paths or self.rest.list_paths

    @property
    def paths(self) -> Sequence[Path]:
        """Its recordings."""
        return [one.path for one in self._recordings]

    def _begin(self) -> list[RecordedFrame]:
        """The first messages of each recording; answers among them are noted."""
        every: list[RecordedFrame] = []
        for number, one in enumerate(self._recordings):
            begin = list(islice(one.frames(), _SCANNED))
            for frame in begin:
                if is_answer(frame[3]):
                    self.rest.note(*frame, recording=number)
            every += begin
        self.first = min(at for at, _, _, conn in every if not is_answer(conn))
        return every

    def _without_list(self, instruments: Path | None, path: str) -> InvalidRequest:
        beside = f", nor does {instruments} hold" if instruments is not None else ""
        held = "the recording does not hold" if len(self._recordings) == 1 else "none of the recordings holds"
        return InvalidRequest(
            f"{held}{beside} {self.name}'s list of instruments, which says "
            "how prices and quantities are written: give it with --instruments FILE, the answer of "
            f"{self.shape.default_rest_url}{path} as JSON, or a recording of it",
            field="recording",
        )


def _simulated(source: RecordingSource, clock: Clock) -> httpx.AsyncBaseTransport:
    """Where an exchange can be simulated from a recording: its instruments."""
    board = Switchboard(source, clock=clock, recurring=())
    return httpx.ASGITransport(app=Starlette(routes=board.routes()))


def _add_list(rest: RecordedRest, path: Path) -> None:
    """Take the list of instruments from a file.

    Raises:
        InvalidRequest: there is none, or it cannot be read.
    """
    if path.suffix == ".gz" or path.is_dir():
        for at, raw, line, conn in frames(path):
            if is_answer(conn):
                rest.note(at, raw, line, conn, recording=BESIDE)
        return
    try:
        rest.list_body = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}", field="--instruments") from None


def _listed(exchange: Exchange, rest: RecordedRest, asked: set[str]) -> Sequence[Instrument]:
    """Read the list of instruments: asking again, as a server does, would never give another.

    Raises:
        InvalidRequest: it cannot be read, or has nothing.
    """
    why = "it has nothing that can be read"
    try:
        if found := rest.lead(exchange.instruments(), asked=asked).found:
            return found
    except (TwapError, FeedError) as error:
        why = str(error)
    raise InvalidRequest(
        f"{exchange.name}'s list of instruments cannot be used: {why}: give another with --instruments, "
        "a recording of it where it takes more than one answer",
        field="--instruments",
    )
