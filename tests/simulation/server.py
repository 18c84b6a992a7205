"""The real server as one process: everything is composed by ``bootstrap.running``."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from simulation.clock import Shown, SimClock
from simulation.loop import VirtualLoop
from simulation.network import Network
from simulation.process import SimProcess
from simulation.storage import PENDING, Disk
from twap_server import bootstrap
from twap_server.api.app import create_app
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.write import OrderWrite
from twap_server.settings import Settings


class SimServer(SimProcess):
    """One server, many lives."""

    def __init__(
        self,
        settings: Settings,
        *,
        loop: VirtualLoop,
        clock: SimClock,
        network: Network,
        disk: Disk,
        seed: str,
        on_look: Callable[[Any], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        """Args: on_look: hears of each book the engine reads; on_error: of a server that ends by itself."""
        super().__init__(loop=loop, clock=clock, network=network, seed=seed, on_error=on_error)
        self._settings, self._disk, self._seed, self._on_look = settings, disk, seed, on_look
        self.shown = Shown(loop)
        self._ids = Random(f"{seed}:ids")
        self.running: bootstrap.Running | None = None

    def now(self) -> Nanos:
        """What the server's clock shows; the machine's while it is down."""
        return self.clock.now() if self.running is None else self.running.clock.now()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        outside = bootstrap.Outside(
            rng=Random(f"{self._seed}:server:{self.starts}"),
            new_id=lambda: f"{self._ids.getrandbits(128):032x}",
            open_database=self._disk.open,
        )
        async with bootstrap.running(self._settings, clock=self.clock, outside=outside) as server:
            self.shown.watch(server.clock)
            self._attach(server)
            self.running = server
            self._app = create_app(server.services)
            yield

    async def _close(self) -> None:
        if self.running is not None:
            self.running.engine.stop()
            await self.running.services.sessions.close_all()

    def _is_ready(self) -> bool:
        return self.running is None or self.running.engine.ready.is_set()

    def _forget(self) -> Any:
        running, self.running = self.running, None
        return running

    def _attach(self, server: bootstrap.Running) -> None:
        market, store = server.services.market, server.services.records
        live_book, commit = market.live_book, store.commit  # type: ignore[attr-defined]

        def looked(instrument: Any) -> Any:
            live = live_book(instrument)
            if live is not None:
                self._on_look(live)
            return live

        async def committing(writes: Sequence[OrderWrite], *rest: Any, **named: Any) -> None:
            token = PENDING.set(writes)
            try:
                await commit(writes, *rest, **named)
            finally:
                PENDING.reset(token)

        market.live_book = looked  # type: ignore[attr-defined]
        store.commit = committing  # type: ignore[attr-defined]
