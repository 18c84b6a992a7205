"""Build the app for people who run uvicorn themselves: ``uvicorn --factory twap_server.asgi:create_app``.

Settings come from the environment and ``TWAP_CONFIG_FILE``. The stages run as long as the ASGI lifespan; when
one of them dies, the process is asked to stop, because a server without its stages would only pretend.
"""

import logging
import os
import signal
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from twap_server import bootstrap, settings
from twap_server.api.app import create_app as create_api
from twap_server.clock import SystemClock

log = logging.getLogger(__name__)


def create_app() -> ASGIApp:
    """Build the application; it opens the store and the exchanges when the server starts it."""
    bootstrap.tell_service_links()
    file = os.environ.get("TWAP_CONFIG_FILE")
    loaded = settings.load(file=Path(file) if file else None, flags={})
    return _Application(bootstrap.choose(loaded, []))


class _Application:
    """Runs the stages inside the lifespan and hands every request to the real app."""

    def __init__(self, chosen: settings.Settings) -> None:
        self._settings = chosen
        self._api: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._api is not None:
            await self._api(scope, receive, send)
        else:
            raise RuntimeError("the server must run the ASGI lifespan: start it with --lifespan on")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        started = False
        try:
            async with bootstrap.running(self._settings, clock=SystemClock()) as server:
                self._api = create_api(server.services)
                await send({"type": "lifespan.startup.complete"})
                started = True
                with server.around.vitals.watched(server.group, server.engine.ready):
                    await receive()
                await server.services.sessions.close_all()
        except* Exception as failures:
            log.exception("a stage failed", exc_info=failures)
            if started:
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                await send({"type": "lifespan.startup.failed", "message": str(failures.exceptions[0])})
        else:
            await send({"type": "lifespan.shutdown.complete"})
