"""Measures a server from outside: how soon it answers, how much it holds.

A probe is due twenty times a second whether the one before was answered or not, and its latency counts from
when it was due: a server that stands still for a second is seen by all of the twenty.
"""

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil

from siege import wire
from siege.tally import MIB, Tally
from siege.target import THIS_HOST, Target

EVERY_S = 0.05
_ANEW_EVERY_S = 1.0
_LOOK_EVERY_S = 0.25
_HEALTH = wire.request("GET", "/health")


@dataclass(slots=True, kw_only=True)
class Answers:
    """Of one kind of probe."""

    seconds: list[float] = field(default_factory=list)
    heard: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Begin anew."""
        self.seconds, self.heard = [], Counter()


class Health:
    """Asks ``/health``: on a connection that is kept, and now and then on a new one."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._tally = Tally()
        self.kept, self.anew = Answers(), Answers()
        self.own_lag: list[float] = []
        """How late each probe itself was: what the machine's other work costs."""

    async def run(self) -> None:
        """Probe until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_asking())
            group.create_task(self._ask_anew())

    def clear(self) -> None:
        """Begin anew."""
        self.kept.clear()
        self.anew.clear()
        self.own_lag = []

    async def _keep_asking(self) -> None:
        due = time.monotonic()
        line: wire.Line | None = None
        try:
            while True:
                due += EVERY_S
                early = due - time.monotonic()
                await asyncio.sleep(max(0.0, early))
                if early > 0:
                    self.own_lag.append(time.monotonic() - due)
                line = await self._ask(line, self.kept, due)
        finally:
            _abort(line)

    async def _ask_anew(self) -> None:
        while True:
            _abort(await self._ask(None, self.anew, time.monotonic()))
            await asyncio.sleep(_ANEW_EVERY_S)

    async def _ask(self, line: wire.Line | None, into: Answers, due: float) -> wire.Line | None:
        """Ask once; gives the connection if it can be used again."""
        try:
            line = line or await wire.connect(self._target, self._tally, source=THIS_HOST)
            status = str(await line.ask(_HEALTH))
        except (OSError, TimeoutError) as error:
            status = "no answer" if isinstance(error, TimeoutError) else "closed"
            _abort(line)
            line = None
        except asyncio.CancelledError:
            _abort(line)
            raise
        into.heard[status] += 1
        into.seconds.append(time.monotonic() - due)
        return line


def _abort(line: wire.Line | None) -> None:
    if line is not None:
        line.writer.transport.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What the server's process holds at a moment."""

    at: float
    """Monotonic seconds."""
    rss: float
    """MiB."""
    handles: int
    threads: int
    cpu_s: float


class Process:
    """Looks at the server's process four times a second."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.seen: list[Holding] = []

    async def run(self) -> None:
        """Look until cancelled, or the process is gone."""
        while True:
            self.seen.append(self.look())
            await asyncio.sleep(_LOOK_EVERY_S)

    def look(self) -> Holding:
        """Look now.

        Raises:
            psutil.NoSuchProcess: it is gone.
        """
        with self._process.oneshot():
            times = self._process.cpu_times()
            return Holding(
                at=time.monotonic(),
                rss=self._process.memory_info().rss / MIB,
                handles=self._process.num_fds(),
                threads=self._process.num_threads(),
                cpu_s=times.user + times.system,
            )


_METRIC = re.compile(r"^(\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)


async def metrics(target: Target) -> dict[str, float]:
    """Read ``/metrics``: by name, labels in braces as they stand there; empty where it does not answer."""
    try:
        async with wire.connected(target, Tally(), source=THIS_HOST) as line:
            await line.say(wire.request("GET", "/metrics"))
            _, body = await line.answer()
    except (OSError, TimeoutError):
        return {}
    found = _METRIC.findall(body.decode())
    return {f"{name}{{{labels}}}" if labels else name: float(value) for name, labels, value in found}
