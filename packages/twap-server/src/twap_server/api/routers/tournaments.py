"""Show the tournaments that lie in a folder of the server to every signed-in user."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Path as InPath

from twap_models.lab import TournamentResult
from twap_models.tournaments import ListedTournament
from twap_server.api.http.documented import HEADERS, problems
from twap_server.api.http.exact_json import ExactRoute, written
from twap_server.api.routers.dependencies import ReaderDep, ServicesDep
from twap_server.api.services import Services
from twap_server.api.tournaments import TournamentFolder

router = APIRouter(prefix="/tournaments", tags=["tournaments"], route_class=ExactRoute)

Name = Annotated[str, InPath(max_length=100, description="As `GET /tournaments` lists it.")]
Report = Annotated[str, InPath(max_length=205, description="As `report` of a run names it.")]
_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
_ITEMS = 2_000
"""A result is as long as an answer with so many slices: it has its turn among those."""
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/html": {"schema": {"type": "string"}}},
        "headers": {"Content-Disposition": HEADERS["Content-Disposition"]},
    }
}


@router.get("", response_model=list[ListedTournament], responses=problems(401, 403, 503))
async def list_tournaments(services: ServicesDep, caller: ReaderDep) -> Response:
    """The tournaments in the server's folder (`api.tournaments`), newest first; empty without one."""
    folder = _folder(services)
    return _json(await services.large.write(caller.user_id, _ITEMS, lambda: written(folder.listed())))


@router.get("/{name}", response_model=TournamentResult, responses=problems(401, 403, 404, 422, 503))
async def get_tournament(services: ServicesDep, caller: ReaderDep, name: Name) -> Response:
    """What a tournament came to: cost and risk of each strategy, paired differences with intervals, runs."""
    folder = _folder(services)
    return _json(await services.large.write(caller.user_id, _ITEMS, lambda: written(folder.result(name))))


@router.get("/{name}/page", response_class=Response, responses=_PAGE | problems(401, 403, 404, 422, 503))
async def get_tournament_page(services: ServicesDep, caller: ReaderDep, name: Name) -> Response:
    """The tournament as one page, without a script and without a request to anywhere."""
    content = await services.large.write(caller.user_id, _ITEMS, partial(_folder(services).page, name))
    return _page(content, f"{name}.html")


@router.get(
    "/{name}/reports/{report}", response_class=Response, responses=_PAGE | problems(401, 403, 404, 422, 503)
)
async def get_tournament_report(
    services: ServicesDep, caller: ReaderDep, name: Name, report: Report
) -> Response:
    """The execution report of one run, as a page."""
    work = partial(_folder(services).report, name, report)
    return _page(await services.large.write(caller.user_id, _ITEMS, work), report)


def _folder(services: Services) -> TournamentFolder:
    return TournamentFolder(services.config.tournaments)


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _page(content: bytes, name: str) -> Response:
    """What lies in a folder is shown without scripts, whoever wrote it."""
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Content-Security-Policy": _CSP}
    return Response(content, headers=headers, media_type="text/html; charset=utf-8")
