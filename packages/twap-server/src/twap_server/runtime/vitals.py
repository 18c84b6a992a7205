"""Watch the process as a whole, from its start until it stops."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from twap_server.domain.clock import Clock
from twap_server.runtime import garbage
from twap_server.runtime.config import RuntimeConfig
from twap_server.runtime.durations import Family
from twap_server.runtime.garbage import Garbage
from twap_server.runtime.memory import FreeMemory
from twap_server.runtime.threads import short_turns
from twap_server.runtime.watchdog import Watchdog


class Vitals:
    """What is known about this process; nothing until ``watched``."""

    def __init__(self, config: RuntimeConfig, clock: Clock) -> None:
        """Start with nothing counted."""
        self._config = config
        self._clock = clock
        self._watchdog = Watchdog(config, clock)
        self._garbage = Garbage(clock)

    @property
    def durations(self) -> tuple[Family, ...]:
        """For ``/metrics``."""
        return self._watchdog.lag, self._garbage.pauses

    @contextmanager
    def watched(self, group: asyncio.TaskGroup, ready: asyncio.Event) -> Iterator[None]:
        """Watch this thread's event loop, and tune the garbage collector, once the server is ready.

        From the beginning other threads give way to the loop soon.

        Args:
            group: owns the task that this takes.
            ready: set when all that stays for long is there; until then the loop may stand still.
        """
        with self._garbage.watched(), short_turns():
            tasks = (
                group.create_task(self._watch_from(ready), name="vitals"),
                group.create_task(FreeMemory().keep(self._clock), name="free memory"),
            )
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    async def _watch_from(self, ready: asyncio.Event) -> None:
        await ready.wait()
        if self._config.tune_gc:
            garbage.set_aside()
        else:
            garbage.as_usual()
        with self._watchdog.watched():
            await self._watchdog.beat()
