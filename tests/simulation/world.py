"""One simulated run: exchanges, network, disk, server and users on one virtual clock, watched throughout.

The first broken invariant stops the run.
"""

import asyncio
import gc
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from simulation.asgi import ServerGone
from simulation.audit import audit, digest
from simulation.clock import SimClock
from simulation.ledger import Ledger, Recorded
from simulation.loop import Stuck, VirtualLoop, forbid_threads
from simulation.network import Network
from simulation.script import FAULTS, Fault, play
from simulation.server import SimServer
from simulation.storage import Disk
from simulation.users import Served, Users
from simulation.venues.binance import SPECS as BINANCE_SPECS
from simulation.venues.binance import BinanceVenue
from simulation.venues.kraken import SPECS as KRAKEN_SPECS
from simulation.venues.kraken import KrakenVenue
from simulation.venues.venue import Venue
from simulation.violation import Violation
from simulation.witness import Witness
from twap_models.enums import SliceReason
from twap_server.api.services import Services
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import SliceResult
from twap_server.domain.orders.write import OrderWrite
from twap_server.settings import Settings

CALM_S = 240.0
"""The end of a run without new faults: everything must have recovered."""
_COLLECT_EVERY_S = 600
_RECOVERED_WITHIN_S = 120.0
_MOST_TASKS = 300
_SOMETHING_H = 0.2
"""In so many hours something is filled, whatever goes wrong."""
_KEPT: list[Any] = []


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run gave."""

    seed: int
    simulated_s: float
    real_s: float
    cpu_s: float
    violation: str | None = None
    invariant: str = ""
    digest: str = ""
    callbacks: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    actions: dict[str, int] = field(default_factory=dict)


class World:
    """See the module."""

    names: tuple[str, ...] = ("ada", "bob", "eve")
    """Of the users."""
    pause_s = 75.0
    """Between two actions of a user, on average."""
    server: SimServer

    def __init__(self, seed: int, *, hours: float, folder: Path, faults: Iterable[Fault] = FAULTS) -> None:
        self.seed, self.hours = seed, hours
        name = f"{seed}"
        self.network = Network()
        threads = Random(f"{name}:threads")
        self.loop = VirtualLoop(connect=self.network.connect, thread_delay=lambda: threads.random() * 0.02)
        self.network.loop = self.loop
        self.loop.set_exception_handler(self._unhandled)
        self.clock = SimClock(self.loop)
        self.disk = self._make_disk(folder, Random(f"{name}:disk"))
        self.disk.on_commit, self.disk.on_bomb = self._recorded, self._bomb
        self.disk.on_trouble = lambda: self.unwell(1.0)
        self.venues: tuple[Venue, ...] = (
            BinanceVenue(BINANCE_SPECS, self.network, name, mean_s=2.0),
            KrakenVenue(KRAKEN_SPECS, self.network, name, mean_s=2.0),
        )
        truths = {
            InstrumentId(venue.name, truth.spec.symbol): truth
            for venue in self.venues
            for truth in venue.truths.values()
        }
        settings = _settings(folder)
        self.ledger = Ledger(fee=lambda exchange: settings.exchanges[exchange].taker_fee)
        self.witness = Witness(truths)
        self.users = Users(
            self.names,
            server=self._make_server(settings, name),
            venues=self.venues,
            ledger=self.ledger,
            witness=self.witness,
            seed=name,
            pause_s=self.pause_s,
        )
        self.violation: Violation | None = None
        self.struck: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self._faults = tuple(faults)
        self._calm_from = {venue.name: 0.0 for venue in self.venues}
        self._well_from = 0.0
        self._not_live: dict[Any, float] = {}
        self._gate = asyncio.Lock()
        self._over = False
        self._rng = Random(f"{name}:world")

    def _make_disk(self, folder: Path, rng: Random) -> Disk:
        return Disk(folder, rng, loop=self.loop)

    def _make_server(self, settings: Settings, name: str) -> Served:
        self.server = SimServer(
            settings,
            loop=self.loop,
            clock=self.clock,
            network=self.network,
            disk=self.disk,
            seed=name,
            on_look=self._looked,
            on_error=self._server_ended,
        )
        return self.server

    # What faults do

    def trouble(self, venue: Venue, seconds: float) -> None:
        """A venue's books may be wrong for so long."""
        self._calm_from[venue.name] = max(self._calm_from[venue.name], self.loop.time() + seconds)

    def unwell(self, seconds: float) -> None:
        """The engine may be kept from its work for so long."""
        self._well_from = max(self._well_from, self.loop.time() + seconds)

    async def crash(self, *, downtime: float) -> None:
        """Kill the server and start it again."""
        async with self._gate:
            if self.server.life is not None:
                self._crash_now()
            await self._come_back(downtime)

    async def restart(self, *, downtime: float) -> None:
        """Stop in order and start again."""
        async with self._gate:
            if self.server.life is None:
                return
            self.done["restart"] += 1
            await self.server.stop()
            await self._come_back(downtime)

    def _crash_now(self) -> None:
        self.done["crash"] += 1
        self.server.crash()
        self.disk.crash(torn=self._rng.random() < 0.5)

    def _bomb(self) -> None:
        self._crash_now()
        self.loop.create_task(self._come_back_from_bomb())

    async def _come_back_from_bomb(self) -> None:
        async with self._gate:
            await self._come_back(self._rng.choice((0.1, 1.0, 15.0)))

    async def _come_back(self, downtime: float) -> None:
        if self.server.life is not None:
            return
        self._audit()
        await asyncio.sleep(downtime)
        self.witness.forget_impact()
        while self.server.life is None:
            try:
                await self.server.start()
            except ServerGone:
                continue  # died again while it started
            except StoreUnavailable:
                self.server.crash()
                await asyncio.sleep(1.0)
            except Exception as error:
                self.fail(Violation("I14", f"the server does not start: {error!r}"))
                return
        for venue in self.venues:
            self.trouble(venue, 10.0)

    # Watching

    def fail(self, violation: Violation) -> None:
        """Stop at the first broken invariant."""
        if self.violation is None:
            self.violation = violation
        self.loop.stop()

    def guard(self, check: Callable[[], Any]) -> None:
        """Run a check; a violation stops the run."""
        try:
            check()
        except Violation as violation:
            self.fail(violation)

    def _looked(self, live: Any) -> None:
        self.witness.look(live, at=self.loop._now, mono=self.clock.monotonic(), wall=self.server.now())

    def _recorded(self, writes: list[OrderWrite]) -> None:
        def take_in() -> None:
            for write in writes:
                record = self.ledger.take_in(write)
                for result in write.slices:
                    self._check_lost(record, result)
                    fills = [fill for fill in write.fills if fill.slice_index == result.index]
                    self.witness.check_slice(record, result, fills)

        self.guard(take_in)

    def _check_lost(self, record: Recorded, result: SliceResult) -> None:
        """A slice is lost to the engine, to load or the disk only while something was wrong with them."""
        if result.reason not in (SliceReason.ENGINE_DOWN, SliceReason.STORAGE, SliceReason.OVERLOADED):
            return
        ready = self.server.ready_since
        if ready is None:
            return
        well = self.loop.time() - max(ready, self._well_from)
        if well > 2 * record.plan.interval / 1e9 + 10:
            raise Violation(
                "I14",
                f"{record.terms.token_id}: slice {result.index} is {result.reason}, well for {well:.0f} s",
            )

    async def _monitor(self) -> None:
        second = 0
        while True:
            await asyncio.sleep(1.0)
            second += 1
            self.guard(self._check_second)
            if second % 60 == 0:
                self.guard(self._check_bounds)
            if second % _COLLECT_EVERY_S == 0:
                gc.collect()

    def _check_second(self) -> None:
        ready = self.server.ready_since
        if ready is not None:
            well = self.loop.time() - max(ready, self._well_from)
            self.ledger.overdue(self.server.now(), up_ns=lambda _: int(well * 1e9))
            self._check_recovery()

    def _check_recovery(self) -> None:
        assert self.server.running is not None
        now, before, self._not_live = self.loop.time(), self._not_live, {}
        for book in self.server.running.services.market.registry:  # type: ignore[attr-defined]
            venue = book.instrument.exchange
            if str(book.status) == "live":
                continue
            since = self._not_live[book.instrument] = before.get(book.instrument, now)
            calm = now - max(since, self._calm_from[venue], self.server.ready_since or now)
            if calm > _RECOVERED_WITHIN_S:
                raise Violation(
                    "I14",
                    f"{book.instrument} is {book.status} ({book.reason}) for {now - since:.0f} s, "
                    f"{calm:.0f} s after the last fault",
                )

    def _check_bounds(self) -> None:
        tasks = sum(1 for task in asyncio.all_tasks(self.loop) if not task.done())
        limit = _MOST_TASKS + 60 * self.done["crash"]
        if tasks > limit:
            raise Violation("I13", f"{tasks} tasks, at most {limit} expected")

    def _server_ended(self, error: BaseException) -> None:
        if isinstance(error, StoreUnavailable) and self.server.ready_since is None:
            return  # a server that cannot use its database at the start says so and ends
        self.fail(Violation("I14", f"the server ended by itself: {causes(error)}"))

    def _unhandled(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Violation):
            self.fail(error)
        elif error is not None and not isinstance(error, ServerGone | ConnectionError):
            self.fail(Violation("I14", f"nobody handled: {context.get('message')}: {error!r}"))

    # The run

    def run(self) -> Outcome:
        """Play to the end or to the first broken invariant."""
        began, cpu = time.perf_counter(), time.process_time()
        start = self.loop.time()
        main = self.loop.create_task(self._play(start + self.hours * 3600))
        main.add_done_callback(self._finished)
        try:
            self.loop.run_forever()
        except Stuck as stuck:
            self.violation = self.violation or Violation("I14", str(stuck))
        return Outcome(
            seed=self.seed,
            simulated_s=self.loop.time() - start,
            real_s=time.perf_counter() - began,
            cpu_s=time.process_time() - cpu,
            violation=None if self.violation is None else self.violation.text,
            invariant="" if self.violation is None else self.violation.invariant,
            digest=digest(self.disk),
            callbacks=self.loop.callbacks,
            counts={
                "orders": len(self.ledger.orders),
                "slices": self.ledger.slices,
                "fills": self.ledger.fills,
                "events": self.ledger.events,
                "checked": self.witness.checked,
                "amended": sum(one.plan.revision > 1 for one in self.ledger.orders.values()),
                "aggregate": sum(len(one.terms.destinations) > 1 for one in self.ledger.orders.values()),
                **self._counts(),
            },
            faults=self._injected(),
            actions=dict(sorted(self.users.done.items())),
        )

    def _counts(self) -> dict[str, int]:
        return {"starts": self.server.starts}

    def _injected(self) -> dict[str, int]:
        total: Counter[str] = Counter(self.done)
        total.update(self.disk.done)
        for venue in self.venues:
            total.update(venue.done)
        return dict(sorted(total.items()))

    def _finished(self, main: "asyncio.Task[None]") -> None:
        error = None if main.cancelled() else main.exception()
        if error is not None and self.violation is None:
            found = _first_violation(error)
            self.violation = found or Violation("harness", f"the simulation failed: {causes(error)}")
        self.loop.stop()

    async def _play(self, end: float) -> None:
        async with asyncio.TaskGroup() as group:
            for venue in self.venues:
                venue.start()
            await self._begin()
            await self.users.register()
            await self._learn_users()
            crowd = [group.create_task(self.users.live(account)) for account in self.users.accounts]
            watch = group.create_task(self._monitor())
            script = [
                group.create_task(
                    play(self, fault, Random(f"{self.seed}:fault:{fault.name}"), until=end - CALM_S)
                )
                for fault in self._faults
            ]
            await asyncio.sleep(max(1.0, end - self.loop.time()))
            for task in (*crowd, *script, watch):
                task.cancel()
        await self._end()
        self._audit()
        self.guard(self._check_worth)

    def _check_worth(self) -> None:
        """A run in which nothing was filled shows nothing."""
        if self.hours >= _SOMETHING_H and not self.ledger.fills:
            raise Violation("I14", "nothing was filled all the time")

    async def _begin(self) -> None:
        await self.server.start()

    async def _end(self) -> None:
        async with self._gate:
            if self.server.life is not None:
                await self.server.stop()

    def _audit(self) -> None:
        self.guard(lambda: audit(self.disk, self.ledger, self.users.user_ids, self.users.acknowledged()))

    def _services(self) -> Services | None:
        return None if self.server.running is None else self.server.running.services

    async def _learn_users(self) -> None:
        services = self._services()
        assert services is not None
        for account in self.users.accounts:
            found = await services.auth.accounts.users.find_user(account.name)
            assert found is not None
            self.users.user_ids[account.name] = found.user_id


def simulate(
    seed: int,
    *,
    hours: float,
    faults: Iterable[Fault] = FAULTS,
    sabotage: Callable[[], None] | None = None,
    kind: type[World] = World,
) -> Outcome:
    """Run one seed in a folder of its own, in memory where there is such a folder.

    Call it in a process of its own: threads are forbidden, the collector stays off, and what is left must not
    be torn down. ``sabotage`` breaks something in the product first.
    """
    logging.disable(int(os.environ.get("SIM_LOG", logging.ERROR)))
    forbid_threads()
    if sabotage is not None:
        sabotage()
    shared = Path("/dev/shm")
    where = shared if shared.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="twap-sim-", dir=where) as folder:
        gc.collect()
        gc.freeze()
        gc.disable()
        world = kind(seed, hours=hours, folder=Path(folder), faults=faults)
        _KEPT.append(world)
        return world.run()


def _settings(folder: Path) -> Settings:
    exchanges = {
        name: {"ws_url": f"ws://{name}.sim:9001", "rest_url": f"http://{name}.sim:9002", "taker_fee": fee}
        for name, fee in (("binance", "0.001"), ("kraken", "0.0026"))
    }
    exchanges["kraken"]["depth"] = 10  # type: ignore[assignment]
    return Settings.model_validate(
        {
            "database": f"sqlite:///{folder / 'unused.sqlite3'}",
            "signing_key": "simulation-key-simulation-key-32",
            "exchanges": exchanges,
            "collector": {"lifetime_s": 2_400, "instruments_refresh_s": 300},
            "api": {"passwords": {"memory_kib": 8, "passes": 1, "lanes": 1}},
        }
    )


def causes(error: BaseException) -> str:
    """Name the first error of a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def cannot_start(error: BaseException) -> bool:
    """Whether it is nothing but that the database cannot be used."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(StoreUnavailable)[1] is None
    return isinstance(error, StoreUnavailable)


def _first_violation(error: BaseException) -> Violation | None:
    if isinstance(error, Violation):
        return error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            found = _first_violation(one)
            if found is not None:
                return found
    return None
