"""Show how a node is that serves no clients: ``/health``, ``/ready`` and ``/metrics``."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twap_server.api.http.metrics import CONTENT_TYPE, Metrics
from twap_server.api.http.readiness import alive, readiness
from twap_server.api.reports_itself import SelfReport, show


def create_node_app(report: SelfReport) -> Starlette:
    """Build the app of a collector or an engine."""
    metrics = Metrics()
    show(report, metrics)

    async def health(_: Request) -> Response:
        return alive()

    async def ready(_: Request) -> Response:
        return readiness(await report.not_ready(), report.remarks())

    async def numbers(_: Request) -> Response:
        return Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return Starlette(routes=[Route("/health", health), Route("/ready", ready), Route("/metrics", numbers)])
