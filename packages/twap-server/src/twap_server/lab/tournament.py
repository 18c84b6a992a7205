"""Run a tournament: make its runs, play what is not kept yet, and write what came of all of them."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from twap_models.lab import TournamentResult
from twap_server.clock import SystemClock
from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest
from twap_server.engine.entry.acceptance import limits_of
from twap_server.lab.engine import engine_version
from twap_server.lab.folder import Folder
from twap_server.lab.grid import Run, runs_of
from twap_server.lab.one_pass import Pass, PassOrder
from twap_server.lab.outcome import outcome_of
from twap_server.lab.progress import Tell, span, watched
from twap_server.lab.reading import ToRead, check_unread, to_read
from twap_server.lab.source import RecordingFacts, digest_of, look_at
from twap_server.lab.spec import RecordingChoice, TournamentSpec, read_spec
from twap_server.lab.table import check_parquet
from twap_server.lab.workers import HERE, Crew, crew
from twap_server.settings import Settings

RUNS_PER_PASS: Final = 500
REPORTS: Final = 200
_FEWEST_PER_PASS: Final = 200
"""Reading ten minutes of a busy market takes as long as that many orders."""
_PASSES_PER_WORKER: Final = 4
"""So that all workers end at about the same time, and the time left can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HowToRun:
    """Everything that a result does not depend on."""

    workers: int | None = None
    """Processes; None: as many as there are processors; 1: this one."""
    scheduler: str | None = None
    """Address of a Dask scheduler that does the work instead."""
    runs_per_pass: int = RUNS_PER_PASS
    """At most so many orders share one pass over a recording."""
    reports: int | None = REPORTS
    """At most so many pages of orders, of evenly chosen cases; None: of all."""
    parquet: bool = False


def tournament(
    source: Path | str | Mapping[str, Any],
    *,
    out: Path | str,
    settings: Settings | None = None,
    how: HowToRun = HowToRun(),
    tell: Tell = lambda _: None,
    console: Console | None = None,
    clock: Clock | None = None,
) -> TournamentResult:
    """Run a tournament and write its folder: ``index.html``, ``result.json``, ``runs.csv``, ``reports/``.

    What the folder already holds of the same runs is not played again.

    Args:
        source: a TOML file, or the same as a mapping, whose paths are relative to the working folder.
        out: the folder; made where there is none.
        settings: of the server; its defaults without.
        how: who does it.
        tell: takes lines about what is done.
        console: shows a bar, where it is a terminal.
        clock: for the time left.

    Returns:
        What ``result.json`` holds.

    Raises:
        InvalidRequest: a key or value is wrong, a recording cannot be played, or the disk refuses.
        UnavailableError: who plays was lost; what was done is kept.
    """
    with_clock = clock or SystemClock()
    spec, base = read_spec(Path(source) if isinstance(source, str) else source)
    chosen = settings or Settings()
    if how.parquet:
        check_parquet()
    spec = _placed(spec, base)
    sources = [look_at(one.path, one.name) for one in spec.recordings]
    circumstances = [_circumstances(chosen, one) for one in spec.recordings]
    with _named(source):
        limits = limits_of(chosen.engine)
        runs = runs_of(spec, sources, limits=limits, circumstances=circumstances)
    recordings = to_read(spec, sources, runs, chosen, circumstances)
    folder = Folder(Path(out))
    begin = with_clock.monotonic()
    done = folder.kept.load([run.key for run in runs])
    pages = _with_pages(runs, len(spec.strategies), how.reports)
    todo = folder.todo(runs, done, pages)
    tell(_beginning(spec, sources, runs, todo))
    try:
        with crew(workers=how.workers if todo else HERE, scheduler=how.scheduler if todo else None) as who:
            with _named(source):
                unread = _unread(recordings, who, folder, spec.skip_unread)
            passes = list(_passes(recordings, todo, pages, unread, _size(todo, who, how)))
            with watched(len(todo), clock=with_clock, tell=tell, console=console) as watcher:
                for job, result in who.played(passes):
                    done |= folder.take(job, result)
                    watcher.advance(len(job.orders))
    except KeyboardInterrupt:
        tell(f"stopped: {len(done):,} of {len(runs):,} runs are kept; started again it goes on from there")
        raise
    reports = folder.reports(runs)
    outcome = outcome_of(spec, sources, runs, done, engine=engine_version(), reports=reports, unread=unread)
    made = folder.write(outcome, parquet=how.parquet)
    for note in made.notes:
        tell(f"note: {note}")
    tell(f"done in {span(with_clock.monotonic() - begin)}: {folder.out / 'index.html'}")
    return made


@contextmanager
def _named(source: Path | str | Mapping[str, Any]) -> Iterator[None]:
    """Tell what is wrong with the file that it stands in."""
    try:
        yield
    except InvalidRequest as error:
        where = "the tournament" if isinstance(source, Mapping) else source
        raise InvalidRequest(f"{where}: {error}", field=error.field) from None


def _unread(recordings: Sequence[ToRead], who: Crew, folder: Folder, allowed: Decimal) -> Sequence[str]:
    """Read each recording once, also where all of its runs are kept: what could not be read, in words.

    Raises:
        InvalidRequest: of one more is unreadable than allowed, or as ``Folder.take_reading``.
    """
    found = {one.place: kept for one in recordings if (kept := folder.kept.reading(one.key))}
    jobs = [one for one in recordings if one.place not in found]
    for job, result in who.read(jobs):
        found[job.place] = folder.take_reading(job, result)
    for one in recordings:
        check_unread(one.recording, found[one.place], allowed)
    return [found[one.place].words for one in recordings]


def _placed(spec: TournamentSpec, base: Path) -> TournamentSpec:
    """With paths from where this process stands; absolute, for a worker stands elsewhere."""

    def at(path: Path | None) -> Path | None:
        return None if path is None else (base / path.expanduser()).absolute()

    placed = [
        one.model_copy(update={"path": at(one.path), "instruments": at(one.instruments)})
        for one in spec.recordings
    ]
    return spec.model_copy(update={"recordings": placed})


def _circumstances(settings: Settings, chosen: RecordingChoice) -> str:
    """What a result over a recording depends on beside its messages and the order."""
    parts = settings.model_dump_json(include={"engine", "exchanges", "collector"})
    instruments = [] if chosen.instruments is None else [digest_of(chosen.instruments)]
    return "\n".join([engine_version(), parts, *instruments])


def _beginning(
    spec: TournamentSpec, sources: Sequence[RecordingFacts], runs: Sequence[Run], todo: Sequence[Run]
) -> str:
    cases = len(runs) // len(spec.strategies)
    where = "1 recording" if len(sources) == 1 else f"{len(sources)} recordings"
    what = f"{len(spec.strategies)} strategies in {cases:,} cases over {where}: {len(runs):,} runs"
    kept = len(runs) - len(todo)
    return f"{what}, {kept:,} of them done before" if kept else what


def _with_pages(runs: Sequence[Run], strategies: int, most: int | None) -> set[str]:
    """Keys of the runs whose page is written: whole cases, evenly chosen."""
    if most is None:
        return {run.key for run in runs}
    if not most:
        return set()
    step = max(1, -(-len(runs) // max(most, strategies)))
    return {run.key for run in runs if (run.case.number - 1) % step == 0}


def _size(todo: Sequence[Run], who: Crew, how: HowToRun) -> int:
    """Runs of a pass: few passes read the recording less often, many keep all workers busy to the end."""
    even = -(-len(todo) // (who.size * _PASSES_PER_WORKER))
    return min(how.runs_per_pass, max(even, _FEWEST_PER_PASS))


def _passes(
    recordings: Sequence[ToRead],
    todo: Sequence[Run],
    with_pages: Container[str],
    unread: Sequence[str],
    size: int,
) -> Iterator[Pass]:
    """Orders that start near each other share a pass, which ends with the last of them."""
    over: dict[int, list[Run]] = defaultdict(list)
    for run in todo:
        over[run.case.recording].append(run)
    for place, runs in over.items():
        source = recordings[place]
        for first in range(0, len(runs), size):
            yield Pass(
                recording=source.recording,
                instruments=source.instruments,
                unread=unread[place],
                settings=source.settings,
                orders=tuple(
                    PassOrder(
                        key=run.key,
                        name=f"strategies.{run.strategy}",
                        order=run.order,
                        wants_report=run.key in with_pages,
                    )
                    for run in runs[first : first + size]
                ),
            )
