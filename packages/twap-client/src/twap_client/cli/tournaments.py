"""Carry out tournaments and tournament."""

from dataclasses import dataclass
from pathlib import Path

from twap_client.cli.report import OUTPUT, write_file
from twap_client.cli.session import Session
from twap_client.cli.tournament_view import list_view, result_view
from twap_client.errors import UsageError
from twap_models import TournamentResult, TournamentRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is wanted of a tournament."""

    runs: bool
    html: Path | None
    run: int | None


async def tournaments(session: Session) -> int:
    """List them."""
    found = await session.client.tournaments.list()
    session.show(found, lambda: list_view(found, session.now))
    return 0


async def tournament(session: Session, name: str, chosen: Chosen) -> int:
    """Show the result of one, and write the page that is wanted.

    Raises:
        UnwritableFile: the page cannot be written.
        UsageError: the options do not fit each other, or there is no such run.
    """
    is_alone = chosen.html == OUTPUT
    if is_alone and (session.as_json or session.as_csv):
        raise UsageError("standard output takes one of them: --html -, or rows by --json or --output")
    if chosen.run is not None and chosen.html is None:
        raise UsageError("--run says whose report --html writes: give --html FILE, too")
    found = await session.client.tournaments.get(name)
    if chosen.html is not None:
        write_file(session, chosen.html, await _page(session, name, found, chosen.run))
    if not is_alone:
        _show(session, name, found, with_runs=chosen.runs)
    return 0


def _show(session: Session, name: str, found: TournamentResult, *, with_runs: bool) -> None:
    if session.as_csv:
        session.show(found.orders, str)
    else:
        session.show(found, lambda: result_view(name, found, with_runs=with_runs))
    if found.runs > len(found.orders) and (session.as_csv or with_runs):
        session.say(f"{len(found.orders):,} of {found.runs:,} runs, of evenly chosen cases: runs.csv has all")


async def _page(session: Session, name: str, found: TournamentResult, run: int | None) -> str:
    if run is None:
        return await session.client.tournaments.page(name)
    return await session.client.tournaments.report(name, _run(found, run))


def _run(found: TournamentResult, number: int) -> TournamentRun:
    for one in found.orders:
        if one.run == number:
            return one
    raise UsageError(f"--run {number}: the result has no such run, or does not list it")
