"""Run a tournament: make its runs, play what is not kept yet, and write what came of all of them."""

import gzip
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from twap_models import exact_json
from twap_models.lab import TournamentResult
from twap_server.clock import SystemClock
from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest
from twap_server.engine.entry.acceptance import limits_of
from twap_server.lab.engine import engine_version
from twap_server.lab.figures import RunFigures
from twap_server.lab.grid import Run, runs_of
from twap_server.lab.kept import KeptRuns, is_of_tournament
from twap_server.lab.one_pass import Pass, PassOrder, PassResult
from twap_server.lab.outcome import Outcome, outcome_of
from twap_server.lab.page import write_page
from twap_server.lab.progress import Tell, span, watched
from twap_server.lab.source import RecordingFacts, digest_of, look_at
from twap_server.lab.spec import TournamentSpec, read_spec
from twap_server.lab.summary import result_of
from twap_server.lab.table import check_parquet, write_csv, write_parquet
from twap_server.lab.workers import HERE, Crew, crew
from twap_server.settings import Settings

RUNS_PER_PASS: Final = 500
REPORTS: Final = 200
_FEWEST_PER_PASS: Final = 200
"""Reading ten minutes of a busy market takes as long as that many orders."""
_PASSES_PER_WORKER: Final = 4
"""So that all workers end at about the same time, and the time left can be told."""
_KEY_IN_NAME: Final = 12


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
    runs = _runs(source, spec, sources, chosen)
    folder = _Folder(Path(out))
    begin = with_clock.monotonic()
    done = folder.kept.load([run.key for run in runs])
    pages = _with_pages(runs, len(spec.strategies), how.reports)
    todo = folder.todo(runs, done, pages)
    tell(_beginning(spec, sources, runs, todo))
    try:
        with (
            crew(workers=how.workers if todo else HERE, scheduler=how.scheduler if todo else None) as who,
            watched(len(todo), clock=with_clock, tell=tell, console=console) as watcher,
        ):
            for job, result in who.played(list(_passes(spec, todo, chosen, pages, _size(todo, who, how)))):
                done |= folder.take(job, result)
                watcher.advance(len(job.orders))
    except KeyboardInterrupt:
        tell(f"stopped: {len(done):,} of {len(runs):,} runs are kept; started again it goes on from there")
        raise
    outcome = outcome_of(spec, sources, runs, done, engine=engine_version(), reports=folder.reports(runs))
    made = folder.write(outcome, parquet=how.parquet)
    for note in made.notes:
        tell(f"note: {note}")
    tell(f"done in {span(with_clock.monotonic() - begin)}: {folder.out / 'index.html'}")
    return made


def _runs(
    source: Path | str | Mapping[str, Any],
    spec: TournamentSpec,
    sources: Sequence[RecordingFacts],
    settings: Settings,
) -> Sequence[Run]:
    """Make the runs; what is wrong is told with the file that it stands in.

    Raises:
        InvalidRequest: as ``runs_of``.
    """
    try:
        limits, circumstances = limits_of(settings.engine), _circumstances(settings, spec)
        return runs_of(spec, sources, limits=limits, circumstances=circumstances)
    except InvalidRequest as error:
        where = "the tournament" if isinstance(source, Mapping) else source
        raise InvalidRequest(f"{where}: {error}", field=error.field) from None


class _Folder:
    """What a tournament writes."""

    def __init__(self, out: Path) -> None:
        """Take a folder, new, empty or of a tournament.

        Raises:
            InvalidRequest: it holds something else, or cannot be made.
        """
        if out.is_dir() and any(out.iterdir()) and not is_of_tournament(out):
            raise InvalidRequest(
                f"{out} holds files that no tournament wrote: name a new folder with --out", field="--out"
            )
        self.out = out
        self.kept = KeptRuns(out)

    def todo(self, runs: Sequence[Run], done: Container[str], pages: Container[str]) -> list[Run]:
        """The runs that are not kept, or whose page is wanted and not there."""
        there = self.reports(runs)
        return [run for run in runs if run.key not in done or (run.key in pages and run.key not in there)]

    def take(self, job: Pass, result: PassResult) -> dict[str, RunFigures]:
        """Keep what a pass came to: pages first, so that what is kept has its page.

        Raises:
            InvalidRequest: it failed, another engine played it, or the disk refuses.
        """
        if result.engine != engine_version():
            raise InvalidRequest(
                f"a worker runs version {result.engine} and this is {engine_version()}: install the same on "
                "each, for results of both cannot be compared",
                field="--scheduler",
            )
        if result.failure:
            raise InvalidRequest(f"{job.recording}: {result.failure}", field="recordings")
        self._written(lambda: self._write_pages(job, result))
        self.kept.add(result.figures)
        return {one.key: one for one in result.figures}

    def reports(self, runs: Sequence[Run]) -> dict[str, str]:
        """Where pages of runs are, by key."""
        there = {path.name for path in (self.out / "reports").glob("*.html")}
        return {
            run.key: f"reports/{name}"
            for run in runs
            if (name := _page_name(run.key, run.order.token_id)) in there
        }

    def write(self, outcome: Outcome, *, parquet: bool) -> TournamentResult:
        """Write the tables, the summary and its page.

        Raises:
            InvalidRequest: the disk refuses.
        """
        made = result_of(outcome)
        self._written(lambda: write_csv(self.out / "runs.csv", outcome))
        if parquet:
            self._written(lambda: write_parquet(self.out / "runs.parquet", outcome))
        self._written(lambda: (self.out / "result.json").write_bytes(exact_json.dumps(made.to_wire())))
        self._written(lambda: write_page(self.out / "index.html", made))
        return made

    def _write_pages(self, job: Pass, result: PassResult) -> None:
        folder = self.out / "reports"
        folder.mkdir(exist_ok=True)
        tokens = {one.key: one.order.token_id for one in job.orders}
        for key, page in result.reports.items():
            (folder / _page_name(key, tokens[key])).write_bytes(gzip.decompress(page))

    def _written(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            raise InvalidRequest(
                f"cannot write into {self.out}: {error.strerror}: make room, and start it again",
                field="--out",
            ) from None


def _page_name(key: str, token_id: str) -> str:
    """Of another engine or other settings it is another page."""
    return f"{token_id}-{key[:_KEY_IN_NAME]}.html"


def _placed(spec: TournamentSpec, base: Path) -> TournamentSpec:
    """With paths from where this process stands; absolute, for a worker stands elsewhere."""

    def at(path: Path | None) -> Path | None:
        return None if path is None else (base / path.expanduser()).absolute()

    placed = [
        one.model_copy(update={"path": at(one.path), "instruments": at(one.instruments)})
        for one in spec.recordings
    ]
    return spec.model_copy(update={"recordings": placed})


def _circumstances(settings: Settings, spec: TournamentSpec) -> str:
    """What a result depends on beside recording and order."""
    parts = settings.model_dump_json(include={"engine", "exchanges", "collector"})
    instruments = [digest_of(one.instruments) for one in spec.recordings if one.instruments is not None]
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
    spec: TournamentSpec, todo: Sequence[Run], settings: Settings, with_pages: set[str], size: int
) -> Iterator[Pass]:
    """Orders that start near each other share a pass, which ends with the last of them."""
    over: dict[int, list[Run]] = defaultdict(list)
    for run in todo:
        over[run.case.recording].append(run)
    for place, runs in over.items():
        chosen = spec.recordings[place]
        for first in range(0, len(runs), size):
            yield Pass(
                recording=chosen.path,
                instruments=chosen.instruments,
                skip_unread=spec.skip_unread,
                settings=settings,
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
