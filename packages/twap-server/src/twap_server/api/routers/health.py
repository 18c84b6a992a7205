"""Serve liveness, readiness and metrics; no sign-in needed."""

from typing import Any

from fastapi import APIRouter, Response

from twap_server.api.http.documented import HEADERS
from twap_server.api.http.exact_json import ExactRoute
from twap_server.api.http.metrics import CONTENT_TYPE
from twap_server.api.http.readiness import Health, alive, readiness
from twap_server.api.routers.dependencies import ServicesDep

router = APIRouter(tags=["health"], route_class=ExactRoute)


_NOT_READY: dict[str, Any] = {
    "model": Health,
    "description": "Not ready.",
    "headers": {"Retry-After": HEADERS["Retry-After"]},
}


@router.get("/health", response_model=Health)
async def health() -> Response:
    """The process lives and answers."""
    return alive()


@router.get("/ready", response_model=Health, responses={503: _NOT_READY})
async def ready(services: ServicesDep) -> Response:
    """Whether orders and books can be served at the moment."""
    reasons = await services.self_report.not_ready()
    if services.sessions.closing:
        reasons = [*reasons, "the server is stopping"]
    return readiness(reasons, services.self_report.remarks())


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(services: ServicesDep) -> Response:
    """Numbers for Prometheus."""
    return Response(services.metrics.render(), headers={"Content-Type": CONTENT_TYPE})
