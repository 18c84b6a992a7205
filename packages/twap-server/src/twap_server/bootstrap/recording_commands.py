"""Run ``twap-server recordings cut`` and ``export``: read recordings by what the exchanges' adapters know."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from twap_models.names import exchange_name
from twap_server.bootstrap.played_exchange import PlayedExchange, exchanges_in
from twap_server.clock import VirtualClock
from twap_server.domain.clock import Nanos, span_text, to_span, to_text
from twap_server.domain.errors import InvalidRequest, UnknownSymbol
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.symbology import Spellings, the_one
from twap_server.recordings.frames import Recording
from twap_server.recordings.lines import Message
from twap_server.recordings.losses import in_words
from twap_server.recordings.tables import CsvTables, ParquetTables, Tables
from twap_server.recordings.whole import is_empty, written_whole
from twap_server.recordings.writer import write_recording
from twap_server.replay.cutting import Cutter, Part
from twap_server.replay.following import FollowedBooks
from twap_server.replay.holes import Holes
from twap_server.replay.market_rows import BestRow, MarketRow, MarketRows, TopRow, TradeRow
from twap_server.replay.origin import PlayedFrame, merged

TABLES: Final[dict[type[MarketRow], str]] = {TradeRow: "trades", BestRow: "best_prices", TopRow: "top10"}
Announce = Callable[[str], None]


def cut_recordings(
    recordings: Sequence[Path],
    *,
    begin: Nanos | timedelta,
    end: Nanos | timedelta,
    symbols: Sequence[str],
    exchange: str | None,
    instruments: Path | None,
    output: Path,
    announce: Announce,
) -> None:
    """Cut the same part out of recordings; each exchange gets a folder in ``output``.

    Args:
        recordings: files or folders.
        begin, end: what was received from then to then is kept; a length counts from the first message.
        symbols: by any spelling; empty: all.
        exchange: only this one; None: all.
        instruments: the list, where the one exchange's recording does not hold it.
        output: a folder that is new or empty; it stays so where something fails.
        announce: prints a line.

    Raises:
        InvalidRequest: a recording cannot be read, has nothing of that time, or ``output`` is not empty.
        UnknownSymbol: no exchange lists a symbol.
    """
    if output.is_dir() and not is_empty(output):
        raise InvalidRequest(f"{output} is not empty: name a new folder", field="--output")
    with written_whole(output, field="--output") as folder:
        every = _prepared(recordings, exchange, instruments)
        first = min(one.first for one in every)
        since, until = _after(first, begin), _after(first, end)
        if since >= until:
            raise InvalidRequest(
                f"--from {to_text(since)} is not before --to {to_text(until)}", field="--from"
            )
        lines = [line for one in every for line in _cut(one, since, until, symbols, folder / one.name)]
    for line in lines:
        announce(line)


def _after(first: Nanos, moment: Nanos | timedelta) -> Nanos:
    return Nanos(first + to_span(moment)) if isinstance(moment, timedelta) else moment


def _cut(
    one: PlayedExchange, begin: Nanos, end: Nanos, symbols: Sequence[str], folder: Path
) -> Iterator[str]:
    """Cut the part out of one exchange's recording; gives what to say of it."""
    listed = one.listed()
    wanted = _wanted(one, listed, symbols)
    if len(one.paths) > 1:
        raise InvalidRequest(
            f"{len(one.paths)} recordings of {one.name} are given: cut one at a time", field="recording"
        )
    shape = one.shape(depth=one.depth)
    cutter = Cutter(one.paths[0], shape, listed, wanted=wanted, list_paths=one.list_paths)
    part = cutter.part(begin, end)
    if part is None:
        raise InvalidRequest(
            f"{one.paths[0]} has nothing from {to_text(begin)} to {to_text(end)}", field="--from"
        )
    rows, last = write_recording(folder, _first_at(cutter.messages(part, end), part))
    yield f"{one.name}: {rows:,} rows"
    yield from (f"  {line}" for line in _about(part, begin, last, wanted))


def export_recordings(
    recordings: Sequence[Path],
    *,
    parquet: Path | None,
    csv: Path | None,
    symbols: Sequence[str],
    instruments: Path | None,
    force: bool = False,
    announce: Announce,
) -> None:
    """Write trades, best prices and the top ten levels of each second as tables.

    Args:
        recordings: files or folders; several are merged by exchange, each by time.
        parquet, csv: a folder for the tables; one of them is given.
        symbols: by any spelling; empty: all.
        instruments: the list, where the one exchange's recording does not hold it.
        force: replace the tables that are there, once the new ones are whole.
        announce: prints a line.

    Raises:
        InvalidRequest: a recording cannot be read, a table is there already or cannot be written; then
            nothing in the folder has changed.
        UnknownSymbol: no exchange lists a symbol.
    """
    folder, kind = _where(parquet, csv)
    if not force:
        _see_that_none_is_there(folder, kind)
    counts = dict.fromkeys(TABLES, 0)
    with written_whole(folder, field=f"--{kind.ending[1:]}") as beside, kind(beside, dict(TABLES)) as tables:
        for one in _prepared(recordings, None, instruments):
            listed = one.listed()
            books = FollowedBooks(one.shape(depth=one.depth), _wanted(one, listed, symbols) or listed)
            holes = Holes()
            for row in _rows(one, books, holes):
                tables.add(row)
                counts[type(row)] += 1
            if books.unread.total:
                announce(f"{one.name}: not in the tables: {books.unread.text(books.unread.total)}")
            for line in in_words(holes.losses, one.paths):
                announce(line)
    for table, name in TABLES.items():
        announce(f"{name}: {counts[table]:,} rows")


def _where(parquet: Path | None, csv: Path | None) -> tuple[Path, type[Tables]]:
    if parquet is not None and csv is None:
        return parquet, ParquetTables
    if csv is not None and parquet is None:
        return csv, CsvTables
    raise InvalidRequest("expected a folder: --parquet FOLDER, or --csv FOLDER", field="--parquet")


def _see_that_none_is_there(folder: Path, kind: type[Tables]) -> None:
    there = [name for one in TABLES.values() if (folder / (name := f"{one}{kind.ending}")).exists()]
    if there:
        raise InvalidRequest(
            f"{folder} has {', '.join(there)} already: name another folder, or --force to replace its tables",
            field="--force",
        )


def _rows(one: PlayedExchange, books: FollowedBooks, holes: Holes) -> Iterator[MarketRow]:
    """All rows of an exchange; an answer over REST comes by while the next message is read."""
    made = MarketRows(one.name, books)
    answers: list[tuple[Nanos, bytes, int, str]] = []
    frame: PlayedFrame
    for frame in holes.watching(merged(one.tapes(on_answer=lambda *answer: answers.append(answer)))):
        for answer in answers:
            yield from made.of_answer(*answer)
        answers.clear()
        yield from made.of_message(frame)
    for answer in answers:
        yield from made.of_answer(*answer)


def _prepared(
    recordings: Sequence[Path], exchange: str | None, instruments: Path | None
) -> list[PlayedExchange]:
    every = exchanges_in([Recording(path) for path in recordings])
    names = ", ".join(one.name for one in every)
    chosen = [one for one in every if exchange is None or one.name == exchange_name(exchange)]
    if not chosen:
        raise InvalidRequest(f"nothing of {exchange} is recorded there: it has {names}", field="--exchange")
    if instruments is not None and len(chosen) > 1:
        raise InvalidRequest(
            f"of which exchange is {instruments}? name one recording alone", field="--instruments"
        )
    for one in chosen:
        one.prepare(instruments, VirtualClock(Nanos(0)))
    return chosen


def _wanted(one: PlayedExchange, listed: Iterable[Instrument], symbols: Sequence[str]) -> list[Instrument]:
    """The instruments that are asked for.

    Raises:
        UnknownSymbol: the exchange does not list one, or several fit.
    """
    spellings, found = Spellings(listed), list[Instrument]()
    for symbol in symbols:
        fits = spellings.find(symbol)
        if not fits:
            near = ", ".join(spellings.near(symbol))
            hint = f"; did you mean {near}?" if near else ""
            raise UnknownSymbol(f"{one.name} lists no instrument {symbol[:40]!r}{hint}")
        found.append(the_one(symbol, fits, one.name))
    return found


def _first_at(messages: Iterator[Message], part: Part) -> Iterator[Message]:
    """What is kept of before the part gets its moment: a recording has no times of which nothing is kept."""
    return ((max(at, part.at), direction, conn, raw) for at, direction, conn, raw in messages)


def _about(part: Part, begin: Nanos, last: Nanos, wanted: Sequence[Instrument]) -> Iterator[str]:
    yield f"{to_text(part.at)} to {to_text(last)}"
    if part.at < begin:
        books = ", ".join(sorted(part.earlier)[:5]) + (", …" if len(part.earlier) > 5 else "")
        yield f"begins {span_text(begin - part.at)} before --from: with the last whole book of {books}"
    later = ", ".join(one.id.symbol for one in wanted if one.id.symbol not in part.earlier)
    if later or not part.earlier:
        yield f"no whole book of {later or 'any'} before --from: it begins with the first one in this part"
