"""The loop that kills and restarts PostgreSQL under a server at work, now and then together with the server.

In: options. Out: figures. The server must come back by itself within five seconds of the database.
"""

import asyncio
import time

from crash.facts import Facts, from_postgresql
from crash.figures import Figures
from crash.kills import Killer
from crash.load import Load
from crash.loop import Loop, Options, Say, world
from crash.world import Server
from support.postgres import PostgresServer

BACK_WITHIN_S = 5
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
        took = await self._until_back(began, within_s=BACK_WITHIN_S)
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
