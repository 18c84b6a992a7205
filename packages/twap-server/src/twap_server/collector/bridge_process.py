"""Run the process that speaks with an exchange in our place: start it, start it again, leave none behind.

In: what the exchange says to run. Out: whether it serves, and why not. The exchange reads the lines of the
process; nothing of what it means is known here. A process that ends, or says nothing for too long, is started
anew after a wait that grows while it fails at once. It ends with its standard input, so that it is gone
however we end, and is killed where it does not.
"""

import asyncio
import logging
import os
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from random import Random
from typing import Final

from twap_server.collector.backoff import backoff_delays
from twap_server.collector.config import CollectorConfig
from twap_server.collector.connection import Connection
from twap_server.collector.network import Network
from twap_server.domain.clock import SECOND, Clock
from twap_server.domain.market.errors import ConnectionLost, WireFormatError
from twap_server.exchanges.base import Bridge, Exchange

_log = logging.getLogger(__name__)
_STARTS_WITHIN_S: Final = 180
"""The first start compiles what it imports, which takes a slow machine a minute for a large library."""
_SAYS_NOTHING_S: Final = 30
"""A process that writes no line for so long is stuck."""
_ENDS_WITHIN_S: Final = 3
_COMPILES_ANEW: Final = "PYTHONDONTWRITEBYTECODE"
"""Images of containers set it; each start would then compile the library again."""
_RAN_WELL: Final = 60 * SECOND
"""Whoever served for so long is started anew without a long wait."""
_MOST_LINE: Final = 64 * 1024
_MOST_SAID: Final = 300
"""Characters of its last words on the error output."""


class BridgeProcess:
    """One exchange's process, as long as the exchange is collected."""

    def __init__(
        self, exchange: Exchange, bridge: Bridge, config: CollectorConfig, clock: Clock, rng: Random
    ) -> None:
        """Build it; ``keep`` starts it."""
        self._exchange, self._bridge = exchange, bridge
        self._config, self._clock, self._rng = config, clock, rng
        self.serves = asyncio.Event()
        """Set while it listens."""
        self.failure = "the process that speaks with it is starting"
        """Why it does not; empty while it does."""
        self.remark = ""
        """What to know of it while it does."""
        self._last_words = ""

    async def keep(self) -> None:
        """Keep it running, for ever. Cancelling ends it, and waits until it is gone."""
        waits, told = self._new_waits(), ""
        while True:
            started = self._clock.monotonic()
            failure = await self._run()
            if self._clock.monotonic() - started > _RAN_WELL:
                waits = self._new_waits()
            if failure != told:
                _log.warning("%s: %s", self._exchange.name, failure)
            self.failure = told = failure
            await self._clock.sleep(next(waits))

    def through(self, network: Network) -> Network:
        """Open sockets only while it serves; wait for that as long as opening one may take."""

        @asynccontextmanager
        async def opened(
            exchange: Exchange, config: CollectorConfig, clock: Clock
        ) -> AsyncIterator[Connection]:
            try:
                async with asyncio.timeout(config.open_timeout_s):
                    await self.serves.wait()
            except TimeoutError:
                raise ConnectionLost(self.failure) from None
            async with network.open_socket(exchange, config, clock) as connection:
                yield connection

        return replace(network, open_socket=opened)

    async def _run(self) -> str:
        """Run it once, and say why it ended."""
        try:
            process = await self._start()
        except OSError as error:
            return f"the process that speaks with it cannot be started: {error.strerror}"
        self._last_words = ""
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._note_errors(process))
                failure = await self._listen(process)
                self._note_end()
                await self._end(process)
                listening.cancel()
        finally:
            self._note_end()
            await self._end(process)
        return failure or self._why_ended(process)

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._bridge.module, *self._bridge.arguments,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, limit=_MOST_LINE,
            env={name: value for name, value in os.environ.items() if name != _COMPILES_ANEW},
        )  # fmt: skip

    async def _listen(self, process: Process) -> str:
        """Read its lines until it ends; says why it is to be ended, where it is."""
        assert process.stdout is not None
        while True:
            try:
                async with asyncio.timeout(_SAYS_NOTHING_S if self.serves.is_set() else _STARTS_WITHIN_S):
                    line = await process.stdout.readline()
                if not line:
                    return ""
                word = self._exchange.hear_bridge(line)
            except TimeoutError:
                return "the process that speaks with it said nothing for too long, and was ended"
            except (WireFormatError, ValueError):
                return "the process that speaks with it wrote what cannot be read"
            if word.failure:
                return word.failure
            if not self.serves.is_set():
                self._note_serving(process, word.remark)

    def _note_serving(self, process: Process, remark: str) -> None:
        self.failure, self.remark = "", remark
        self.serves.set()
        _log.info("%s: collected %s, by process %d", self._exchange.name, remark, process.pid)

    def _note_end(self) -> None:
        self.serves.clear()
        self.failure = self.failure or "the process that speaks with it has ended"

    async def _note_errors(self, process: Process) -> None:
        """Read its error output, so that it never waits for us, and keep the last line."""
        assert process.stderr is not None
        while True:
            try:
                line = await process.stderr.readline()
            except ValueError:  # longer than a line may be
                continue
            if not line:
                return
            if said := line.decode("utf-8", "replace").strip():
                self._last_words = said[:_MOST_SAID]
                _log.debug("%s: process %d: %s", self._exchange.name, process.pid, self._last_words)

    async def _end(self, process: Process) -> None:
        """End it: it may close its connections first, for a moment."""
        if process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_WITHIN_S):
                await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _why_ended(self, process: Process) -> str:
        code = process.returncode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        words = f" ({self._last_words})" if self._last_words else ""
        return f"the process that speaks with it {how}{words}; it is started again"

    def _new_waits(self) -> Iterator[float]:
        config = self._config
        return backoff_delays(self._rng, initial_ms=config.backoff_initial_ms, cap_s=config.set_aside_max_s)


def bridge_of(exchange: Exchange, config: CollectorConfig, clock: Clock, rng: Random) -> BridgeProcess | None:
    """Build the process of an exchange; None where it needs none."""
    bridge = exchange.bridge
    return None if bridge is None else BridgeProcess(exchange, bridge, config, clock, rng)
