"""Write the folder of a tournament: what its passes came to, tables, summary and page."""

import gzip
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Final

from twap_models import exact_json
from twap_models.lab import TournamentResult
from twap_server.domain.errors import InvalidRequest
from twap_server.lab.engine import engine_version
from twap_server.lab.figures import RunFigures
from twap_server.lab.grid import Run
from twap_server.lab.kept import KeptRuns, is_of_tournament
from twap_server.lab.one_pass import Pass, PassResult
from twap_server.lab.outcome import Outcome
from twap_server.lab.page import write_page
from twap_server.lab.reading import Reading, ReadingResult, ToRead
from twap_server.lab.summary import result_of
from twap_server.lab.table import write_csv, write_parquet

_KEY_IN_NAME: Final = 12


class Folder:
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
        _check(job.recording, result)
        self._written(lambda: self._write_pages(job, result))
        self.kept.add(result.figures)
        return {one.key: one for one in result.figures}

    def take_reading(self, job: ToRead, result: ReadingResult) -> Reading:
        """Keep what a recording came to.

        Raises:
            InvalidRequest: as ``take``.
        """
        _check(job.recording, result)
        assert result.reading is not None, "it did not fail"
        self.kept.add_reading(result.reading)
        return result.reading

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


def _check(recording: Path, result: PassResult | ReadingResult) -> None:
    """Check what a worker gave.

    Raises:
        InvalidRequest: it failed, or is of another engine.
    """
    if result.engine != engine_version():
        raise InvalidRequest(
            f"a worker runs version {result.engine} and this is {engine_version()}: install the same on "
            "each, for results of both cannot be compared",
            field="--scheduler",
        )
    if result.failure:
        raise InvalidRequest(f"{recording}: {result.failure}", field="recordings")


def _page_name(key: str, token_id: str) -> str:
    """Of another engine or other settings it is another page."""
    return f"{token_id}-{key[:_KEY_IN_NAME]}.html"
