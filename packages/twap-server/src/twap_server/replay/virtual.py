"""Run an event loop on virtual time: where a loop would wait for the network, a recording plays.

Asyncio calls its selector when nothing is left to run, with the time until the next timer. Here that moment
either wakes the reader of the recording, which then takes every frame up to that timer without returning to
the loop, or moves the clock to the timer. As soon as anything else wants to run, or sets an earlier timer,
the reader stops: frames, timers and tasks run in exactly the order in which they would have run one by one.
"""

import asyncio
import selectors
from collections.abc import Callable
from contextvars import Context
from typing import Final, Protocol, TypeVarTuple

from twap_server.clock import VirtualClock
from twap_server.domain.clock import SECOND, Nanos

_Ts = TypeVarTuple("_Ts")

FAR: Final = Nanos(2**63)
"""Later than anything that happens."""


class Stuck(RuntimeError):
    """Nothing is ready, no timer is set and nothing is left to play: whoever waits would wait for ever."""


class Player(Protocol):
    """What plays while the loop has nothing to do."""

    def play(self, until: Nanos) -> bool:
        """Wake whoever waits for what happens up to ``until``; False where nothing does."""
        ...


class ReplayLoop(asyncio.SelectorEventLoop):
    """See the module. Sockets and threads have no place here: nothing waits for them."""

    def __init__(self, clock: VirtualClock, player: Player) -> None:
        self.horizon = Nanos(0)
        """Up to when the reader may take frames: nothing else wants to run before."""
        self._virtual, self._start = clock, clock.moment
        self._player = player
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Virtual seconds since the start."""
        return (self._virtual.moment - self._start) / SECOND

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run soon, before any frame."""
        self.horizon = Nanos(0)
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run at a time, before any later frame."""
        self.horizon = min(self.horizon, Nanos(self._start + int(when * SECOND)))
        return super().call_at(when, callback, *args, context=context)

    def pass_time(self, timeout: float | None) -> None:
        """Nothing is to be done for so long (None: no timer is set): play, or move on."""
        virtual = self._virtual
        until = Nanos(FAR - 1 if timeout is None else virtual.moment + _nanos(timeout))
        if not self._player.play(until):
            if timeout is None:
                raise Stuck("nothing is left to play, and nothing else will ever happen")
            virtual.moment = until
        self.horizon = until


class _Selector(selectors.SelectSelector):
    """Never waits."""

    def __init__(self, loop: ReplayLoop) -> None:
        super().__init__()
        self._pass_time = loop.pass_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self._pass_time(timeout)
        return []


def _nanos(seconds: float) -> int:
    """The nearest nanosecond: what is due at a moment wakes at that very moment.

    Rounded up, it woke then or a nanosecond later, depending on which timers had gone before. What is less
    than half a nanosecond away counts as due for the loop too: its clock resolves one.
    """
    return round(seconds * SECOND)
