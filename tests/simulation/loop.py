"""An event loop on virtual time: when nothing is ready it jumps to the next timer. No threads, no sockets.

Everything runs in one thread and in one order, so that the same seed gives the same run. A ``Life`` marks all
that belongs to one server process; ending it stops its callbacks for ever, wherever they wait, as a power cut
would.
"""

import asyncio
import contextlib
import heapq
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from itertools import count
from typing import Any

from anyio._backends._asyncio import AsyncIOBackend

_MOST_TURNS_AT_ONE_INSTANT = 20_000
_EPSILON = 1e-9


class Stuck(Exception):
    """The loop turned very often without time passing: something spins."""


class Life:
    """What one server process owns."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.dead = False
        self.paused_at: float | None = None
        """Since when it stands still, as after SIGSTOP; what it would do is parked meanwhile."""
        self.transports: list[Any] = []
        self._parked: list[Any] = []

    @property
    def stands(self) -> bool:
        """Whether it does nothing now."""
        return self.dead or self.paused_at is not None

    def park(self, handle: Any) -> None:
        """Keep a callback until it goes on; a dead one's is dropped."""
        if not self.dead:
            self._parked.append(handle)

    def go_on(self) -> list[Any]:
        """Give all that was parked, in its order."""
        self.paused_at = None
        parked, self._parked = self._parked, []
        return parked


LIFE: ContextVar[Life | None] = ContextVar("LIFE", default=None)


def context_of(life: Life) -> Context:
    """A context in which everything started belongs to ``life``."""
    context = copy_context()
    context.run(LIFE.set, life)
    return context


class SimTask(asyncio.Task[Any]):
    """A task whose place in a set follows from its number, not from its address."""

    _numbers = count(1)

    def __init__(self, *args: Any, **options: Any) -> None:
        self.number = next(self._numbers)
        context = options.get("context")
        self.life = LIFE.get() if context is None else context.get(LIFE)
        super().__init__(*args, **options)

    def __hash__(self) -> int:
        return self.number


def _make_task(loop: Any, coro: Any, **options: Any) -> SimTask:
    return SimTask(coro, loop=loop, **options)


class VirtualLoop(asyncio.BaseEventLoop):
    """See the module. Time begins at 1,000 seconds."""

    def __init__(self, *, connect: Callable[..., Any], thread_delay: Callable[[], float]) -> None:
        """Args: connect: makes connections; thread_delay: how long work in a thread seems to take."""
        super().__init__()
        self._now = 1_000.0
        self._connect = connect
        self._thread_delay = thread_delay
        self._turns = 0
        self.instants = 0
        self.callbacks = 0
        self._clock_resolution = _EPSILON
        SimTask._numbers = count(1)
        self.set_task_factory(_make_task)

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        scheduled, ready = self._scheduled, self._ready  # type: ignore[attr-defined]
        if not ready:
            self._jump(scheduled)
        else:
            self._turns += 1
            if self._turns > _MOST_TURNS_AT_ONE_INSTANT:
                raise Stuck(f"{self._turns} turns of the loop at {self._now:.6f} s without time passing")
        end = self._now + _EPSILON
        while scheduled and scheduled[0]._when <= end:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        self._run_ready(ready)

    def _jump(self, scheduled: list[Any]) -> None:
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled:
            raise Stuck(f"nothing is ready and no timer is set at {self._now:.6f} s")
        if len(scheduled) > 100 and self._timer_cancelled_count > len(scheduled) // 2:  # type: ignore[attr-defined]
            self._sweep(scheduled)
        when = scheduled[0]._when
        if when > self._now:
            self._now = when
            self._turns = 0
            self.instants += 1

    def _sweep(self, scheduled: list[Any]) -> None:
        kept = []
        for handle in scheduled:
            if handle._cancelled:
                handle._scheduled = False
            else:
                kept.append(handle)
        heapq.heapify(kept)
        scheduled[:] = kept
        self._timer_cancelled_count = 0

    def _run_ready(self, ready: Any) -> None:
        number = len(ready)
        self.callbacks += number
        for _ in range(number):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            life = handle._context.get(LIFE)
            if life is None or not life.stands:
                handle._run()
            else:
                life.park(handle)

    def pause(self, life: Life) -> None:
        """Let a process stand still, as SIGSTOP does: time goes on for it, and it does nothing."""
        life.paused_at = self._now

    def wake(self, life: Life) -> None:
        """Let it go on: all that would have happened meanwhile happens now, in its order."""
        self._ready.extend(life.go_on())  # type: ignore[attr-defined]

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Work now, tell later: as if a thread had done it."""
        future = self.create_future()
        try:
            done = future.set_result, func(*args)
        except BaseException as error:
            done = future.set_exception, error  # type: ignore[assignment]
        self.call_later(self._thread_delay(), _settle, future, *done)
        return future

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:  # type: ignore[override]
        return [(2, 1, 6, "", (host if isinstance(host, str) else host.decode(), port))]

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any
    ) -> Any:  # type: ignore[override]
        return await self._connect(protocol_factory, host, port)

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """Nothing is tidied up behind a process that died; in a living one nothing may need it."""
        self._asyncgens.discard(agen)

    def _write_to_self(self) -> None:
        pass

    def _process_events(self, event_list: Any) -> None:
        pass

    async def shutdown_default_executor(self, *_: Any, **__: Any) -> None:
        pass


async def _no_thread(*_: Any, **__: Any) -> None:
    raise RuntimeError("a thread was asked for: a thread would decide an order of events")


def forbid_threads() -> None:
    """anyio has threads of its own, beside the loop's."""
    AsyncIOBackend.run_sync_in_worker_thread = _no_thread  # type: ignore[method-assign, assignment]


def _settle(future: asyncio.Future[Any], settle: Callable[[Any], None], value: Any) -> None:
    if not future.done():
        with contextlib.suppress(asyncio.InvalidStateError):
            settle(value)
