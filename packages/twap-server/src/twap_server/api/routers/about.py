"""Tell what this server is: its version, its market, how one gets in; no sign-in needed."""

from fastapi import APIRouter, Response

from twap_models import __version__
from twap_models.health import ServerInfo
from twap_server.api.http.documented import problems
from twap_server.api.http.exact_json import ExactRoute, reply
from twap_server.api.routers.dependencies import ServicesDep, limited
from twap_server.domain.clock import to_datetime

router = APIRouter(tags=["health"], route_class=ExactRoute)

_NAME = "twap-server"


@router.get(
    "/server",
    response_model=ServerInfo,
    responses=problems(429),
    dependencies=[limited(lambda services: services.reads)],
)
async def server(services: ServicesDep) -> Response:
    """What runs here, whether its market is a real one, and how one gets in."""
    told = services.self_report
    return reply(
        ServerInfo(
            name=_NAME,
            version=__version__,
            time=to_datetime(services.clock.now()),
            market=told.market,
            registration=services.auth.registration.mode,
            oidc=services.auth.oidc is not None,
            demo=told.demo,
        )
    )
