"""The loop that kills and restarts PostgreSQL under a server at work, now and then together with the server.

In: options. Out: figures. The server must come back by itself within five seconds of the database.
"""

import asyncio
import time

import httpx

from crash.facts import Facts, from_postgresql
from crash.figures import Figures
from crash.journal import read
from crash.kills import Killer
from crash.load import Load
from crash.loop import Loop, Options, Say, world
from crash.world import Server
from support.postgres import PostgresServer

BACK_WITHIN_S = 5
_GIVE_UP_S = 60
_AT_ONCE = 16
"""More readers at once than the server's pool has connections."""
_SIGNING_KEY = "a signing key for crash tests alone"


class RestartLoop(Loop):
    """Hurts the database."""

    def __init__(
        self, server: Server, load: Load, options: Options, *, postgres: PostgresServer, say: Say
    ) -> None:
        super().__init__(server, load, options, figures=Figures(database="PostgreSQL"), say=say)
        self._postgres = postgres
        self._killer = Killer(server, load, rng=self._rng, pace=options.pace, log=postgres.log_folder)

    async def _once(self) -> str:
        name, moment = self._killer.choose(self._options.moment)
        await moment()
        began = time.time_ns()
        how = await self._hurt()
        self._killer.hang_up()
        self.figures.kills[f"{how}, {name}"] += 1
        await asyncio.sleep(self._rng.choice((0, 0, self._rng.uniform(0, 1.5))))
        await asyncio.to_thread(self._postgres.start)
        took = await self._until_back(began)
        await self._look()
        await self._ask()
        await self._read_at_once()
        return f"{how}, {name}: an order accepted {took:.2f} s after the database was back"

    async def _hurt(self) -> str:
        roll = self._rng.random()
        if roll < 0.45:
            await asyncio.to_thread(self._postgres.kill)
            return "killed"
        if roll < 0.85:
            await asyncio.to_thread(self._postgres.stop)
            return "restarted"
        await asyncio.gather(asyncio.to_thread(self._postgres.kill), self._server.kill())
        return "killed with the server"

    async def _until_back(self, began: int) -> float:
        """Wait until an order is accepted again, and note how long that took."""
        back = time.monotonic()
        if not self._server.is_alive:
            await self._server.start()
            await self._server.until_ready()
            back = time.monotonic()
        user = self._rng.choice(self._load.users)
        batch = self.journal.sent(user.name, [self._load.order(user)])
        async with asyncio.timeout(_GIVE_UP_S):
            while batch.answered is None:
                asked = time.time_ns()
                try:
                    headers = {"X-API-Key": user.key}
                    answer = await self._http.post("/orders", json=batch.bodies, headers=headers)
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                    continue
                if answer.status_code in (200, 201, 400):
                    self.journal.answered(batch, read(answer.content), asked=asked)
                await asyncio.sleep(0.02)
        took = time.monotonic() - back
        self._outages.append((began, time.time_ns()))
        self.figures.recovered.append(took)
        if took > BACK_WITHIN_S:
            self.journal.breach("F33", f"restart {self.number}", f"{took:.1f} s until an order was accepted")
        return took

    async def _read_at_once(self) -> None:
        """The pool has not shrunk: many readers are all answered."""
        user = self._load.users[0]
        headers = {"X-API-Key": user.key}
        asked = [self._http.get("/orders?limit=20", headers=headers) for _ in range(_AT_ONCE)]
        codes = [answer.status_code for answer in await asyncio.gather(*asked)]
        if set(codes) != {200}:
            self.journal.breach("F33", f"restart {self.number}", f"{_AT_ONCE} readers at once got {codes}")

    async def _facts(self, *, since: int | None) -> Facts:
        return await from_postgresql(self._server.database, since=since)


async def restart_test(options: Options, *, postgres: PostgresServer, say: Say) -> Figures:
    """Kill and restart the database, which must be running."""
    settings = {"TWAP_SIGNING_KEY": _SIGNING_KEY}
    with postgres.database() as url:
        async with world(options, database=url, settings=settings) as (server, load):
            return await RestartLoop(server, load, options, postgres=postgres, say=say).run()
