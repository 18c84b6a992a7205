"""``create_app(services)``: routes, handlers, middleware, documentation. Starts nothing, owns no task."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from twap_models import __version__
from twap_server.api.http import problems
from twap_server.api.http.behind_proxy import BehindProxy
from twap_server.api.http.connection_gate import ConnectionGate
from twap_server.api.http.docs import docs_router
from twap_server.api.http.hosts import Hosts
from twap_server.api.http.middleware import RequestFrame
from twap_server.api.http.only_while_fit import OnlyWhileFit
from twap_server.api.http.security_headers import SecurityHeaders
from twap_server.api.openapi import install_openapi
from twap_server.api.reports_itself import show
from twap_server.api.routers import (
    about,
    accounts,
    browser,
    costs,
    health,
    invites,
    keys,
    market,
    oidc,
    orders,
    previews,
    proofs,
    reports,
    tournaments,
)
from twap_server.api.routers.stream import stream_route
from twap_server.api.services import Services
from twap_server.dashboard.route import dashboard_router

TITLE = "TWAP server"
_METHODS = ("DELETE", "GET", "PATCH", "POST")
_REQUEST_HEADERS = ("Authorization", "Content-Type", "If-Match", "X-API-Key", "X-Request-ID")
_ANSWER_HEADERS = (
    "Allow",
    "Content-Disposition",
    "ETag",
    "Link",
    "Retry-After",
    "WWW-Authenticate",
    "X-Oldest-Available",
    "X-Request-ID",
)
"""What pages of ``api.allowed_origins`` may use; a test compares the three with all routes."""
_SECTIONS = ("accounts", "market", "orders", "tournaments", "health")
"""Of the documentation, in this order."""
_DESCRIPTION = """Live order books of crypto exchanges, and TWAP orders executed against them on paper.

Prices and quantities are exact: JSON numbers, digit for digit. Errors are RFC 9457 problem documents whose
`code` comes from a closed list. The live stream is the WebSocket `/ws`.

To try it here: `POST /auth/register`, then **Authorize** with that name and password.
"""


def create_app(services: Services, gate: ConnectionGate | None = None) -> FastAPI:
    """Build the app.

    Args:
        services: what it works with.
        gate: the server's, whose numbers ``/metrics`` then shows.
    """
    app = FastAPI(
        title=TITLE,
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[{"name": name} for name in _SECTIONS],
    )
    app.state.services = services
    # Routes are tried one after another: those of orders are asked for most.
    parts = (
        orders,
        accounts,
        browser,
        keys,
        invites,
        oidc,
        market,
        previews,
        reports,
        proofs,
        costs,
        tournaments,
        health,
        about,
    )
    for part in parts:  # as they are: to include them makes them anew, and not before the first requests
        app.router.routes.extend(part.router.routes)
    app.router.routes.append(stream_route(services))
    app.include_router(docs_router(TITLE))
    if services.config.dashboard:
        app.include_router(dashboard_router())
    problems.install(app)
    install_openapi(app)
    _add_gauges(services, gate)
    _add_middleware(app, services)
    return app


def _add_middleware(app: FastAPI, services: Services) -> None:
    """The last one is outermost: a page of another host can read every refusal, whichever layer it is of."""
    config = services.config
    app.add_middleware(OnlyWhileFit, unfit=services.self_report.unfit)
    app.add_middleware(Hosts, config=config)
    app.add_middleware(RequestFrame, config=config, metrics=services.metrics)
    if config.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(config.allowed_origins),
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_ANSWER_HEADERS,
        )
    app.add_middleware(SecurityHeaders)
    if config.root_path or config.trusted_proxies:
        app.add_middleware(BehindProxy, root_path=config.root_path, trusted=config.trusted_proxies)


def _add_gauges(services: Services, gate: ConnectionGate | None) -> None:
    metrics = services.metrics
    if gate is not None:
        metrics.add_gauge("twap_http_connections", "Open HTTP connections.", lambda: gate.connections)
        metrics.add_gauge(
            "twap_refused_connections", "Connections that found no room.", lambda: gate.refusals
        )
    metrics.add_gauge("twap_stream_connections", "Open stream connections.", lambda: len(services.sessions))
    metrics.add_labelled(
        "twap_books", "Books that clients watch, by status.", "status", services.books_by_status
    )
    metrics.add_labelled(
        "twap_exchanges", "Collected exchanges, by state.", "state", services.exchanges_by_state
    )
    show(services.self_report, metrics)
