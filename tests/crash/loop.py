"""What every loop has in common, and the one that kills the server.

In: options. Out: figures with every breach found. The exchange's process lives through all of it.
"""

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from crash.answers import check_details, check_lists, check_replay
from crash.facts import Facts, from_sqlite
from crash.figures import LONGEST, SHOWN, Figures
from crash.journal import Breach, Journal, read
from crash.kills import Killer
from crash.load import Load
from crash.rules import Times, check
from crash.world import Server, exchange

WHOLE_EVERY = 10
"""So often the whole store is checked; in between only what changed."""
_LOOK_BACK_NS = 3_000_000_000
_ENDED_WITHIN_S = 60
_GIVE_UP_S = 60
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to run."""

    folder: Path
    kills: int
    seed: int = 1
    users: int = 4
    orders: int = 24
    """Orders kept open by all users together."""
    pace: float = 1.0
    """Below 1 for shorter lives and orders."""
    moment: str = ""
    """Kill at this moment only; empty: at all of them."""


class Loop(ABC):
    """Hurt, look, ask; as often as asked. Then let everything end and check all of it."""

    def __init__(self, server: Server, load: Load, options: Options, *, figures: Figures, say: Say) -> None:
        self._server, self._load, self._options, self._say = server, load, options, say
        self._rng = random.Random(options.seed)
        self._http = httpx.AsyncClient(base_url=server.url, timeout=30)
        self._since = 0
        self._outages: list[tuple[int, int]] = []
        self.figures = figures

    @property
    def journal(self) -> Journal:
        """What users were told."""
        return self._load.journal

    @property
    def number(self) -> int:
        """How often it was hurt."""
        return self.figures.kills.total()

    async def run(self) -> Figures:
        """Do all of it."""
        async with asyncio.TaskGroup() as group:
            traffic = group.create_task(self._load.run())
            while self.number < self._options.kills:
                news = await self._once()
                if self.number % WHOLE_EVERY == 0 or self.figures.breaches:
                    self._say(f"{self.number}, {news}, {len(self.figures.breaches)} violations")
            await self._load.calm()
            await self._until_ended()
            traffic.cancel()
        await self._last_checks()
        await self._http.aclose()
        return self.figures

    @abstractmethod
    async def _once(self) -> str:
        """Hurt once and see it recover; gives a few words about it."""

    @abstractmethod
    async def _facts(self, *, since: int | None) -> Facts:
        """Read the store."""

    async def _look(self) -> None:
        """Check the store, with what users had been told before it is read."""
        await self._judge(self.journal.as_it_is(), since=self._since if self.number % WHOLE_EVERY else None)

    async def _judge(self, told: Journal, *, since: int | None) -> Facts:
        """Check what the store holds now; to read all of it takes seconds."""
        read_at = time.time_ns()
        facts = await self._facts(since=since)
        lives, now = self._server.lives, time.time_ns()
        times = Times(lives=lives, outages=self._outages, read_at=read_at, now=now)
        self._note(check(facts, told, times))
        return facts

    async def _ask(self) -> None:
        """The first thing after ready, before the engine has had time to tidy up."""
        spawned = self._server.lives[-1].spawned
        for user in self._load.users:
            found = await check_lists(self._http, user, self.journal, spawned=spawned, since=self._since)
            self._note(found)
        self._since = time.time_ns() - _LOOK_BACK_NS

    async def _until_back(self, began: int, *, within_s: float) -> float:
        """Wait until an order is accepted again, and note how long that took; longer is a breach."""
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
        if took > within_s:
            self.journal.breach("F33", f"round {self.number}", f"{took:.1f} s until an order was accepted")
        return took

    async def _until_ended(self) -> None:
        async with asyncio.timeout(_ENDED_WITHIN_S):
            for user in self._load.users:
                headers = {"X-API-Key": user.key}
                while (await self._http.get("/orders?status=open", headers=headers)).json():
                    await asyncio.sleep(0.1)

    async def _last_checks(self) -> None:
        await self._server.kill()
        facts = await self._judge(self.journal, since=None)
        await self._server.start()
        await self._server.until_ready()
        for user in self._load.users:
            self._note(await check_details(self._http, user, self.journal, facts))
            self._note(await check_replay(self._server.url, user, self.journal, facts))
        self.figures.take(self.journal, facts, self._server.lives)

    def _note(self, found: Iterable[Breach]) -> None:
        """Each breach once, however often it is seen; told at once, while there is something to look at."""
        self.figures.checks += 1
        found = [*found, *self.journal.breaches]
        self.journal.breaches.clear()
        known = set(self.figures.breaches)
        fresh = [breach for breach in dict.fromkeys(found) if breach not in known]
        self.figures.breaches += fresh
        for breach in fresh[: max(0, SHOWN - len(known))]:
            self._say(f"{self.number}, violation: {breach}"[:LONGEST])


class KillLoop(Loop):
    """Kills the server; its store is an SQLite file, read while nobody has it open."""

    def __init__(self, server: Server, load: Load, options: Options, *, say: Say) -> None:
        super().__init__(server, load, options, figures=Figures(database="SQLite"), say=say)
        self._database = database_file(options.folder)
        log = self._database.with_name(self._database.name + "-wal")
        self._killer = Killer(server, load, rng=self._rng, pace=options.pace, log=log)

    async def _once(self) -> str:
        name, moment = self._killer.choose(self._options.moment)
        await moment()
        await self._die(name)
        await self._server.start()
        if self._rng.random() < 0.1 and self.number < self._options.kills:
            await asyncio.sleep(self._rng.uniform(0.1, 1.5))
            await self._die("while starting")
            await self._server.start()
        await self._server.until_ready()
        await self._ask()
        return f"{name}: ready after {self._server.lives[-1].seconds_to_ready:.2f} s"

    async def _die(self, name: str) -> None:
        await self._server.kill()
        self._killer.hang_up()
        self.figures.kills[name] += 1
        await self._look()
        await asyncio.sleep(
            self._rng.choice((0, 0, self._rng.uniform(0.1, 0.5), self._rng.uniform(0.5, 1.5)))
        )

    async def _facts(self, *, since: int | None) -> Facts:
        return from_sqlite(self._database, since=since)


def database_file(folder: Path) -> Path:
    """Where the SQLite database of a run is."""
    return folder / "crash.sqlite3"


@asynccontextmanager
async def world(
    options: Options, *, database: str = "", settings: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Server, Load]]:
    """A ready server on a simulated market, and users who signed up; all gone at the end.

    Args:
        options: of the run.
        database: URL; absent: the SQLite file in the folder.
        settings: more variables for the server's environment.
    """
    async with exchange(seed=options.seed) as urls:
        server = Server(
            folder=options.folder,
            database=database or f"sqlite:///{database_file(options.folder)}",
            exchanges=urls,
            settings=settings or {},
        )
        load = Load(
            server.url,
            journal=Journal(),
            users=options.users,
            orders=options.orders,
            seed=options.seed,
            pace=options.pace,
        )
        try:
            await server.start()
            await server.until_ready()
            await load.sign_up()
            yield server, load
        finally:
            await load.close()
            await server.close()


async def crash_test(options: Options, *, say: Say) -> Figures:
    """Kill the server, on SQLite."""
    async with world(options) as (server, load):
        return await KillLoop(server, load, options, say=say).run()
