"""Start the process: say on the first line what it serves or why it does not; end with the standard input."""

import argparse
import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Final, TextIO

import msgspec

from twap_server.bridge.opening import CannotOpen, Opened, opened
from twap_server.bridge.service import Service
from twap_server.clock import SystemClock
from twap_server.exchanges.ccxt import wire

_ALIVE_EVERY_S: Final = 5
_ENDS_WITHIN_S: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which then ends us
    said = _parser().parse_args(arguments)
    out, sys.stdout = sys.stdout, sys.stderr  # a line that ccxt prints is none of ours
    ending = _Ending()
    threading.Thread(target=ending.watch, daemon=True).start()
    try:
        found = opened(said.name, ws_url=said.ws_url, rest_url=said.rest_url)
    except CannotOpen as error:
        _say(out, wire.Failed(why=str(error)))
        return 1
    asyncio.run(_serve(found, said.depth, out, ending))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twap_server.bridge", description="Run one of ccxt's exchanges.")
    parser.add_argument("name", help="as ccxt calls it")
    parser.add_argument("--depth", type=int, default=wire.MAX_LEVELS, help="levels a side")
    parser.add_argument("--ws-url", default="", help="in place of scheme, host and port of its WebSockets")
    parser.add_argument("--rest-url", default="", help="the same for REST")
    return parser


async def _serve(found: Opened, depth: int, out: TextIO, ending: "_Ending") -> None:
    stopped = asyncio.Event()
    ending.call(asyncio.get_running_loop(), stopped.set)
    async with Service(found, depth=depth, clock=SystemClock()) as service:
        _say(out, service.ready())
        while not stopped.is_set():
            _say(out, wire.Alive())
            try:
                async with asyncio.timeout(_ALIVE_EVERY_S):
                    await stopped.wait()
            except TimeoutError:
                continue


def _say(out: TextIO, line: wire.Line) -> None:
    out.write(msgspec.json.encode(line).decode() + "\n")
    out.flush()


class _Ending:
    """Notices that the server is gone, also while the event loop is busy."""

    def __init__(self) -> None:
        self._tell: Callable[[], object] | None = None

    def call(self, loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
        """Call this in the loop once it is so."""
        self._tell = lambda: loop.call_soon_threadsafe(stop)

    def watch(self) -> None:
        """Wait in a thread for the end of the standard input; a moment later this process is gone."""
        sys.stdin.buffer.read()
        if self._tell is None:
            os._exit(0)
        timer = threading.Timer(_ENDS_WITHIN_S, os._exit, (0,))
        timer.daemon = True
        timer.start()
        self._tell()


if __name__ == "__main__":
    sys.exit(main())
