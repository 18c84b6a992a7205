"""Run ``twap-server replay --serve``: replay in virtual time, then show that in the page until stopped."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from twap_server.api.http.connection_gate import ConnectionBounds, ConnectionGate
from twap_server.api.server import HttpServer, Listening
from twap_server.bootstrap.open_files import make_room
from twap_server.bootstrap.replay_run import USER, Replayed
from twap_server.bootstrap.serving import Announce, stop_on_signals
from twap_server.clock import SystemClock
from twap_server.runtime.loops import http_parser
from twap_server.runtime.threads import Threads
from twap_server.settings import Settings
from twap_server.telemetry import configure_logging
from twap_server.theatre.app import create_theatre
from twap_server.theatre.camera import Camera
from twap_server.theatre.frames import FrameFile
from twap_server.theatre.timeline import Screenplay

_HOST = "127.0.0.1"
"""Nobody signs in, so nobody from outside."""


def in_theatre(
    recordings: Sequence[Path],
    settings: Settings,
    *,
    play: Callable[[Camera], Replayed],
    show: Callable[[Screenplay], None],
) -> Replayed:
    """Replay with a camera, and show what it took; its frames are gone once that returns.

    Args:
        recordings: what is played; their names are shown.
        settings: of the server.
        play: replays with this onlooker.
        show: returns when nobody watches any more.

    Raises:
        UnavailableError: the disk does not take the frames.
    """
    with FrameFile() as file:
        camera = Camera(file, user=USER, max_spread=settings.engine.max_leg_spread)
        done = play(camera)
        show(
            Screenplay(
                name=", ".join(one.name for one in recordings),
                camera=camera,
                records=tuple(done.records),
                start=done.start,
                end=done.end,
                messages=done.frames,
                unread=done.unread,
            )
        )
    return done


async def serve_theatre(play: Screenplay, settings: Settings, *, port: int, announce: Announce) -> None:
    """Serve the page and the timeline on loopback, until SIGTERM or SIGINT.

    Raises:
        UnavailableError: the port is taken.
    """
    configure_logging(settings.log_format)
    stopping, threads = stop_on_signals(), Threads("reports", 1)
    bounds = ConnectionBounds.of(settings.api)
    gate = ConnectionGate(settings.api, bounds=bounds.within(make_room(bounds.most)))
    app = create_theatre(play, config=settings.api, clock=SystemClock(), threads=threads)
    try:
        with Listening(_HOST, port) as listening:
            http = HttpServer(app, listening, parser=http_parser(settings.runtime.http_parser), gate=gate)
            async with asyncio.TaskGroup() as group:
                group.create_task(http.run(), name="http server")
                announce(f"In a browser: open {listening.url} to watch the replay. Ctrl-C here stops it.")
                await stopping.wait()
                http.stop()
    finally:
        threads.close()
