"""Run an event loop on virtual time: where a loop would wait for the network, a recording plays.

When nothing is left to run, asyncio waits for its sockets until the next timer. Here that moment
either wakes the reader of the recording, which then takes every frame up to that timer without returning to
the loop, or moves the clock to the timer. As soon as anything else wants to run, or sets an earlier timer,
the reader stops: frames, timers and tasks run in exactly the order in which they would have run one by one.
What asyncio does beside that, for sockets and slow callbacks, is left out: an order in a replay costs as many
turns of the loop as it has slices and looks at its market, each of a few microseconds.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from heapq import heappop, heappush
from typing import Final, Protocol, TypeVarTuple

from twap_server.clock import VirtualClock
from twap_server.domain.clock import SECOND, Nanos
from twap_server.replay.origin import NEVER

_Ts = TypeVarTuple("_Ts")

_RESOLUTION: Final = 1e-9
"""Seconds: timers due within so much of now are due."""


class Stuck(RuntimeError):
    """Nothing is ready, no timer is set and nothing is left to play: whoever waits would wait for ever."""


class Player(Protocol):
    """What plays while the loop has nothing to do."""

    def play(self, until: Nanos) -> bool:
        """Wake whoever waits for what happens up to ``until``; False where nothing does."""
        ...


class ReplayLoop(asyncio.SelectorEventLoop):
    """See the module. Sockets and threads have no place here: nothing waits for them."""

    _ready: deque[asyncio.Handle]
    """Asyncio's own, as is ``_scheduled``: a heap."""
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool

    def __init__(self, clock: VirtualClock, player: Player) -> None:
        self.horizon = Nanos(0)
        """Up to when the reader may take frames: nothing else wants to run before."""
        self._virtual, self._start = clock, clock.moment
        self._player = player
        super().__init__()

    def time(self) -> float:
        """Virtual seconds since the start."""
        return (self._virtual.moment - self._start) / SECOND

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run soon, before any frame."""
        self.horizon = Nanos(0)
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run at a time, before any later frame."""
        self.horizon = min(self.horizon, Nanos(self._start + int(when * SECOND)))
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._scheduled, timer)
        return timer

    def _run_once(self) -> None:
        """Run what is ready; where nothing is, let time pass first. As asyncio does, in the same order."""
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0].cancelled():
            heappop(scheduled)
        if not ready and not self._stopping:
            wait = scheduled[0].when() - self.time() if scheduled else None
            if wait is None or wait > 0:
                self.pass_time(wait)
        if scheduled:
            now = self.time() + _RESOLUTION
            while scheduled and scheduled[0].when() < now:
                ready.append(heappop(scheduled))
        for _ in range(len(ready)):  # what these make ready has its turn after the timers due by then
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def pass_time(self, timeout: float | None) -> None:
        """Nothing is to be done for so long (None: no timer is set): play, or move on."""
        virtual = self._virtual
        until = Nanos(NEVER - 1 if timeout is None else virtual.moment + _nanos(timeout))
        if not self._player.play(until):
            if timeout is None:
                raise Stuck("nothing is left to play, and nothing else will ever happen")
            virtual.moment = until
        self.horizon = until


def _nanos(seconds: float) -> int:
    """The nearest nanosecond: what is due at a moment wakes at that very moment.

    Rounded up, it woke then or a nanosecond later, depending on which timers had gone before. What is less
    than half a nanosecond away counts as due for the loop too: its clock resolves one.
    """
    return round(seconds * SECOND)
