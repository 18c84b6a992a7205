"""Verify an order against a recording: check the files, play them, decide again, and say what came of it.

In: a proof document and a folder that ``--record`` wrote. Out: lines, and whether all of it is equal.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twap_models.enums import OrderStatus
from twap_server.domain.clock import SECOND, Nanos, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.exchanges.base import Exchange
from twap_server.exchanges.registry import EXCHANGES
from twap_server.proof.consistency import contradiction
from twap_server.proof.coverage import not_recorded, uncovered
from twap_server.proof.differences import Difference
from twap_server.proof.document import Proven, read_proof
from twap_server.proof.recompute import Recomputation, Verdict
from twap_server.proof.recorded_exchange import RecordedExchange
from twap_server.proof.recorded_market import RecordedMarket, RecordedSource, Trades
from twap_server.recordings.frames import with_losses
from twap_server.recordings.losses import ReadThrough, by_manifest, in_words, read_whole, unplaced
from twap_server.recordings.manifest import NAME, Manifest, Segment, files_of, so_many_files
from twap_server.recordings.segment import sha256_of
from twap_server.settings import Settings

_SPARE = SECOND
_OPTION = "--recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """The recording of one exchange, checked."""

    name: str
    folder: Path
    proven: int
    """Files that are as written."""
    unnamed: int
    """Files that the manifest does not name: nothing proves them."""
    missing: int
    """Files that it names and that are not there."""
    read: ReadThrough
    """What is in it."""

    @property
    def lost_at(self) -> Nanos | None:
        """When the first message was to come that is missing; None: none is."""
        losses = self.read.losses
        known = [*losses, *(by_manifest(self.folder) if unplaced(self.folder, losses) else ())]
        return min((one.begin for one in known), default=None)


def verify_command(
    proof: Path, *, recording: Path, settings: Settings, announce: Callable[[str], None]
) -> bool:
    """Verify and print; give whether every decision is equal.

    Args:
        proof: what ``GET /orders/{token_id}/proof`` answered.
        recording: the folder given to ``--record``, or an exchange's in it.
        settings: of the server that recorded: how deep its books are.
        announce: prints a line.

    Raises:
        InvalidRequest: the proof or the recording cannot be used; a file is not what was written.
    """
    proven = read_proof(proof)
    _see_that_it_was_decided(proven)
    recorded = _recorded(proven, recording)
    for one in recorded:
        announce(_told(one))
    market, work = _market(proven, recorded, settings)
    if why := uncovered(proven.proof, market.first, market.ends):
        raise InvalidRequest(why, field=_OPTION)
    if (found := contradiction(proven)) is not None:
        announce(_different(proven, found))
        return False
    verdict = work.run(market)
    announce(_played(market))
    found = verdict.difference
    if found is not None and (why := not_recorded(proven.proof, found, market.ends, market.losses)):
        raise InvalidRequest(why, field=_OPTION)
    for line in _lines(proven, verdict):
        announce(line)
    return verdict.difference is None and verdict.sha256 == proven.sha256


def _see_that_it_was_decided(proven: Proven) -> None:
    """Raises: InvalidRequest: nothing of the order was decided yet, or ever."""
    record = proven.proof.record
    token_id, status = record.order.terms.token_id, record.order.status
    if status is OrderStatus.REJECTED:
        raise InvalidRequest(
            f"{token_id} was rejected: nothing was decided, so there is nothing to recompute", field="proof"
        )
    if not record.slices:
        raise InvalidRequest(
            f"no slice of {token_id} was decided (it is {status.value}): there is nothing to recompute",
            field="proof",
        )


def _recorded(proven: Proven, recording: Path) -> Sequence[_Recorded]:
    """Find and check the recordings of the order's exchanges.

    Raises:
        InvalidRequest: one is missing, or a file of it was changed.
    """
    names = list(
        dict.fromkeys(one.instrument.exchange for one in proven.proof.record.order.terms.destinations)
    )
    if not names:
        raise InvalidRequest("the proof names no market that the order could fill on", field="proof")
    last = max(one.decided_at for one in proven.proof.record.slices)
    return [_checked(name, _folder_of(name, recording), last) for name in names]


def _folder_of(name: str, recording: Path) -> Path:
    for folder in (recording / name, recording):
        if folder.is_dir() and folder.name == name:
            return folder
    raise InvalidRequest(
        f"{recording} has no recording of {name}: name the folder that was given to --record of the server "
        f"that worked the order (it has a folder {name})",
        field=_OPTION,
    )


def _checked(name: str, folder: Path, last: Nanos) -> _Recorded:
    files = {one.name: one for one in files_of(folder)}
    named = {one.file: one for one in Manifest.of(folder).segments}
    needed = [one for one in named.values() if one.first <= last + _SPARE]
    there = [one for one in needed if one.file in files]
    for segment in there:
        _check(files[segment.file], segment)
    return _Recorded(
        name=name,
        folder=folder,
        proven=len(there),
        unnamed=len(files.keys() - named.keys()),
        missing=len(needed) - len(there),
        read=read_whole(folder),
    )


def _check(file: Path, segment: Segment) -> None:
    if sha256_of(file) != segment.sha256:
        raise InvalidRequest(
            f"{file} is not what was written: its SHA-256 is another than its manifest says. "
            "`twap-server recordings verify` looks at all files; nothing can be verified by this one",
            field="recording",
        )


def _market(
    proven: Proven, recorded: Sequence[_Recorded], settings: Settings
) -> tuple[RecordedMarket, Recomputation]:
    trades, work = Trades(), Recomputation(proven)
    symbols: dict[str, set[str]] = {}
    for one in proven.proof.record.order.terms.destinations:
        symbols.setdefault(one.instrument.exchange, set()).add(one.instrument.symbol)
    sources = {one.name: _source(one, symbols[one.name], settings, trades) for one in recorded}
    return RecordedMarket(sources, trades, work.begin_run), work


def _source(recorded: _Recorded, symbols: set[str], settings: Settings, trades: Trades) -> RecordedSource:
    exchange = RecordedExchange(
        _exchange(recorded.name, settings), symbols, last_lines=recorded.read.last_lines, on_trade=trades.add
    )
    return RecordedSource(exchange, with_losses(recorded.folder), recorded.read.last, recorded.lost_at)


def _exchange(name: str, settings: Settings) -> Exchange:
    shape = next((one for one in EXCHANGES if one.name == name), None)
    if shape is None:
        raise InvalidRequest(
            f"orders on {name} cannot be verified: it is not recorded; expected one of "
            f"{', '.join(one.name for one in EXCHANGES)}",
            field="proof",
        )
    given = settings.exchanges.get(name)
    return shape(depth=given.depth if given is not None else 0)


def _told(one: _Recorded) -> str:
    if not one.proven:
        notes = [f"nothing proves the files: {NAME} names none of them (it does once one is whole)"]
    elif one.unnamed:
        more = f"nothing proves {one.unnamed} more, which {NAME} does not name"
        notes = [f"{so_many_files(one.proven)} as written; {more}"]
    else:
        notes = ["the files are as written"]
    if one.missing:
        notes.append(f"{one.missing} that {NAME} names are not there")
    lost = in_words(one.read.losses, [one.folder])
    notes += (words.removeprefix(f"{one.folder}: ") for words in lost)
    return f"{one.name}: {'; '.join(notes)}"


def _played(market: RecordedMarket) -> str:
    if not market.played:  # no decision needed one
        return "played no message"
    return f"played {market.played:,} messages, {to_text(market.first)} to {to_text(market.last)}"


def _different(proven: Proven, found: Difference) -> str:
    return f"DIFFERENT: {proven.proof.record.order.terms.token_id}: {found}"


def _lines(proven: Proven, verdict: Verdict) -> Iterator[str]:
    token_id = proven.proof.record.order.terms.token_id
    if verdict.without_book:
        many = sum(verdict.without_book.values())
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(verdict.without_book.items()))
        yield f"{many} slices met no book ({why}): they filled nothing, and are not recomputed"
    if verdict.difference is not None:
        yield _different(proven, verdict.difference)
        return
    if verdict.sha256 != proven.sha256:
        yield f"DIFFERENT: {token_id}: sha256: recorded {proven.sha256}, recomputed {verdict.sha256}"
        return
    yield f"EQUAL: {token_id}: {verdict.slices} slices and {verdict.fills} fills recomputed"
    yield f"sha256 {verdict.sha256}" if verdict.sha256 else "the order is at work: it has no sha256 yet"
