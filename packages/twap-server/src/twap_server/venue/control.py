"""Serve the control routes: faults, the venue's state, a planned shutdown."""

from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_NOTICE_S = 2.0


class Controlled(Protocol):
    """What the routes steer."""

    def inject(self, fault: str, *, venue: str | None = None) -> None:
        """Begin a fault now on every connection of a venue, or of all."""
        ...

    def state(self) -> dict[str, object]:
        """Tell connections, subscriptions and injected faults."""
        ...

    def announce_shutdown(self, seconds: float) -> None:
        """Give notice of a planned close where the exchange does so; close after so many seconds."""
        ...


def routes(venue: Controlled) -> list[Route]:
    """Make the control routes."""

    async def faults(request: Request) -> JSONResponse:
        try:
            body = await request.json()
            venue.inject(str(body["fault"]), venue=body.get("venue"))
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(venue.state())

    async def state(request: Request) -> JSONResponse:
        return JSONResponse(venue.state())

    async def shutdown_notice(request: Request) -> JSONResponse:
        venue.announce_shutdown(float(request.query_params.get("seconds", _NOTICE_S)))
        return JSONResponse(venue.state())

    return [
        Route("/control/faults", faults, methods=["POST"]),
        Route("/control/state", state),
        Route("/control/shutdown-notice", shutdown_notice, methods=["POST"]),
    ]
