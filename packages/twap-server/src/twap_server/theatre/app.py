"""``create_theatre(play)``: the page and a replay's timeline over HTTP. Read-only; there is no sign-in.

The routes that the page knows from a server (``/server``, ``/exchanges``, an order's report) answer as there.
"""

from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Response

from twap_models import __version__, exact_json
from twap_models.enums import MarketMode, RegistrationMode
from twap_models.fields import TokenId
from twap_models.health import ServerInfo
from twap_server.api.config import ApiConfig
from twap_server.api.http import problems
from twap_server.api.http.exact_json import reply, written
from twap_server.api.http.hosts import Hosts
from twap_server.api.http.security_headers import SecurityHeaders
from twap_server.dashboard.route import dashboard_router
from twap_server.domain.clock import Clock, to_datetime
from twap_server.domain.orders.record import OrderRecord
from twap_server.reports.csv_text import Table, report_csv, table_csv
from twap_server.reports.page import CSP, report_page
from twap_server.reports.present import execution_report
from twap_server.reports.words import file_name, of_unread
from twap_server.runtime.threads import Threads
from twap_server.theatre.timeline import MOST_FRAMES, Screenplay, frames, mids, summary

_JSON = "application/json"
_LONGEST_STEP = 600
"""Seconds from one frame of an answer to the next."""


def create_theatre(play: Screenplay, *, config: ApiConfig, clock: Clock, threads: Threads) -> FastAPI:
    """Build the app. Starts nothing.

    Args:
        play: what is shown.
        config: which hosts' names are ours.
        clock: the machine's.
        threads: write reports.
    """
    app = FastAPI(
        title="TWAP replay", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.include_router(_timeline(play))
    app.include_router(_as_a_server(play, clock))
    app.include_router(_reports(play, threads))
    app.include_router(dashboard_router())
    problems.install(app)
    app.add_middleware(Hosts, config=config)
    app.add_middleware(SecurityHeaders)
    return app


def _timeline(play: Screenplay) -> APIRouter:
    router = APIRouter(prefix="/replay")

    @router.get("")
    async def replay() -> Response:
        return Response(summary(play), media_type=_JSON)

    @router.get("/frames")
    async def page(
        first: Annotated[int, Query(ge=0)] = 0,
        every: Annotated[int, Query(ge=1, le=_LONGEST_STEP)] = 1,
        limit: Annotated[int, Query(ge=1, le=MOST_FRAMES)] = 60,
        book: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        found = frames(play, book=book, first=first, every=every, limit=limit)
        return Response(found, media_type=_JSON)

    @router.get("/mids")
    async def line(book: Annotated[int, Query(ge=0)] = 0) -> Response:
        return Response(mids(play, book=book), media_type=_JSON)

    return router


def _as_a_server(play: Screenplay, clock: Clock) -> APIRouter:
    """What the page asks every server for at its start."""
    router = APIRouter()

    @router.get("/server")
    async def server() -> Response:
        told = ServerInfo(
            name="twap-server",
            version=__version__,
            time=to_datetime(clock.now()),
            market=MarketMode.REPLAY,
            registration=RegistrationMode.CLOSED,
        )
        return Response(exact_json.dumps(told.to_wire() | {"theatre": True}), media_type=_JSON)

    @router.get("/exchanges")
    async def exchanges() -> Response:
        return reply(play.camera.exchanges)

    @router.post("/auth/browser/refresh")
    async def refresh() -> Response:
        return Response(status_code=204)  # nobody is signed in

    return router


def _reports(play: Screenplay, threads: Threads) -> APIRouter:
    router = APIRouter(prefix="/orders")

    @router.get("/{token_id}/report")
    async def report(
        token_id: TokenId,
        format: Annotated[str, Query(pattern="^(json|csv|html)$")] = "json",
        table: Table | None = None,
        latest: Annotated[int | None, Query(ge=1, le=1_000)] = None,
    ) -> Response:
        record = play.record(token_id)
        if latest is not None:
            record = replace(record, slices=record.slices[-latest:], fills=record.fills[-latest:])
        return await threads.run(partial(_report, record, format, table, play.unread))

    return router


def _report(record: OrderRecord, format: str, table: Table | None, unread: str) -> Response:
    if table is not None:
        return _file(table_csv(record, table), "text/csv", file_name(record.order, f"{table}.csv"))
    if format == "csv":
        return _file(report_csv(record), "text/csv", file_name(record.order, "report.csv"))
    if format == "html":
        page = report_page(record, notes=of_unread(unread), is_recorded=True)
        return _file(page, "text/html", file_name(record.order, "report.html"), csp=CSP)
    return Response(written(execution_report(record)), media_type=_JSON)


def _file(text: str, kind: str, name: str, *, csp: str | None = None) -> Response:
    headers = {"Content-Disposition": f'{"inline" if csp else "attachment"}; filename="{name}"'}
    if csp is not None:
        headers["Content-Security-Policy"] = csp
    return Response(text.encode(), headers=headers, media_type=f"{kind}; charset=utf-8")
