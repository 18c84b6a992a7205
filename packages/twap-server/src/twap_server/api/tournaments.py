"""Read the folder of tournaments: one folder each, with ``result.json``, ``index.html`` and ``reports/``.

Whoever writes them writes files, not requests, so all of it is read as if strangers had: names are checked,
nothing outside the folder is opened, sizes are bounded, and what cannot be read is listed with the reason.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from twap_models import exact_json
from twap_models.lab import TournamentResult
from twap_models.plain_words import plain
from twap_models.tournaments import ListedTournament
from twap_server.domain.clock import Nanos, to_datetime
from twap_server.domain.errors import TournamentNotFound

RESULT: Final = "result.json"
PAGE: Final = "index.html"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_REPORT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.html")
_LARGEST: Final = 16_777_216
"""Bytes of a file."""
_MOST: Final = 200
"""Tournaments that are listed: the newest."""
_BOUNDS: Final = exact_json.TOLD._replace(values=500_000)


@dataclass(frozen=True, slots=True)
class TournamentFolder:
    """Where tournaments lie; with None there are none."""

    path: Path | None

    def listed(self) -> Sequence[ListedTournament]:
        """The newest tournaments, newest first."""
        if self.path is None or not self.path.is_dir():
            return []
        found = [one for one in self.path.iterdir() if _NAME.fullmatch(one.name) and _has_result(one)]
        newest = sorted(found, key=lambda one: (one / RESULT).stat().st_mtime_ns, reverse=True)
        return [self._listed(one) for one in newest[:_MOST]]

    def result(self, name: str) -> TournamentResult:
        """What a tournament came to.

        Raises:
            TournamentNotFound: there is none of that name, or its result cannot be read.
        """
        try:
            return _read(self._inside(name, RESULT))
        except ValueError as error:
            raise TournamentNotFound(f"the result of tournament {name} cannot be read: {error}") from None

    def page(self, name: str) -> bytes:
        """Its page.

        Raises:
            TournamentNotFound: there is none.
        """
        return _bytes(self._inside(name, PAGE))

    def report(self, name: str, report: str) -> bytes:
        """The execution report of one of its runs, as a page.

        Raises:
            TournamentNotFound: there is none.
        """
        if not _REPORT.fullmatch(report):
            raise TournamentNotFound(f"tournament {name} has no report {report[:100]!r}")
        return _bytes(self._inside(name, "reports", report))

    def _listed(self, folder: Path) -> ListedTournament:
        finished = to_datetime(Nanos((folder / RESULT).stat().st_mtime_ns))
        try:
            made = _read(folder / RESULT)
        except (ValueError, OSError) as error:
            return ListedTournament(
                name=folder.name, finished=finished, cases=0, runs=0, strategies=[], problem=str(error)
            )
        return ListedTournament(
            name=folder.name,
            title=made.name,
            finished=finished,
            cases=made.cases,
            runs=made.runs,
            strategies=list(made.strategies),
            baseline=made.baseline,
        )

    def _inside(self, name: str, *parts: str) -> Path:
        """A file of a tournament.

        Raises:
            TournamentNotFound: there is none, or it lies elsewhere.
        """
        if self.path is not None and _NAME.fullmatch(name):
            root = self.path.resolve()
            file = root.joinpath(name, *parts).resolve()
            if file.is_relative_to(root) and file.is_file():
                return file
        raise TournamentNotFound(f"there is no {'/'.join(parts)} of a tournament {name[:100]!r}")


def _has_result(folder: Path) -> bool:
    return (folder / RESULT).is_file()


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise TournamentNotFound(f"{file.name} has more than {_LARGEST:,} bytes: look at it where it lies")
    return content


def _read(file: Path) -> TournamentResult:
    """Read a result.

    Raises:
        ValueError: it is none that this server knows.
    """
    content = exact_json.loads(_bytes(file), _BOUNDS)
    try:
        return TournamentResult.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {plain(first['msg'])}") from None
