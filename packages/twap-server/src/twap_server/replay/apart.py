"""Let each order of a replay be a user's of its own, who sends it when it starts.

So none takes from a book what another would have taken, and each is decided, priced and begun at one moment:
one pass over a recording gives what as many replays of one order would give. Orders that are over are handed
out soon after their last mark-out, so that memory holds little more than those at work.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Final, TypeAlias

from twap_server.domain.clock import SECOND, Clock, Nanos, to_text
from twap_server.domain.errors import InvalidRequest, RequestError, TwapError, first_in
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.sample import MARK_OUTS
from twap_server.domain.orders.terms import OrderRequest
from twap_server.engine.engine import Engine
from twap_server.engine.entry.results import SubmitResult
from twap_server.replay.records import MemoryRecords

HandOut: TypeAlias = Callable[[OrderRecord], None]
_SETTLED: Final = (MARK_OUTS[-1] + 10) * SECOND
"""After its end: the last mark-out was taken, and recorded with what else was waiting."""
_AT_ONCE: Final = 200
_LOOK: Final = 10 * SECOND
"""How often orders that are over are looked for: all that were not handed out are looked at."""


class NotJudged(RequestError):
    """The recording lacks what it takes to judge an order: ``token_id`` names it, ``field`` what to give."""

    def __init__(self, token_id: str, why: TwapError) -> None:
        super().__init__(str(why))
        self.token_id, self.field = token_id, getattr(why, "field", "order")


class ApartOrders:
    """Orders, each of a user of its own."""

    def __init__(self, requests: Sequence[OrderRequest], hand_out: HandOut) -> None:
        """Take the orders.

        Args:
            requests: with absolute starts, and token ids of which no two are the same.
            hand_out: takes each record, once, when nothing more will happen to its order, or at the end.
        """
        self._requests = sorted(requests, key=_start)
        self._hand_out = hand_out
        self._waiting: deque[str] = deque()
        """Ids of orders that were not handed out, as they were sent."""
        self._looked = Nanos(0)

    def check(self, *, live: Nanos) -> None:
        """Check the starts.

        Raises:
            InvalidRequest: one lies before the books are live.
        """
        for one in self._requests[:1]:
            if _start(one) < live:
                raise InvalidRequest(
                    f"order {one.token_id} starts at {to_text(_start(one))}, and the recording's books are "
                    f"live from {to_text(live)} on: let it start then or later",
                    field="start_time",
                )

    async def work(
        self, engine: Engine, records: MemoryRecords, *, clock: Clock, ended: asyncio.Event
    ) -> None:
        """Send each at its start, wait until all are over, and hand them out.

        Raises:
            InvalidRequest: the recording ends before an order starts.
            NotJudged: it lacks what an order's strategy looks at.
        """
        for start, same in groupby(self._requests, key=_start):
            group = list(same)
            await self._until(start, records, clock=clock, ended=ended)
            if ended.is_set():
                raise _too_late(group[0], start, clock.now())
            await self._send(group, engine)
        last = max((one.end for one in self._requests), default=clock.now())
        await self._until(Nanos(last + _SETTLED), records, clock=clock, ended=ended)

    def rest(self, records: MemoryRecords) -> None:
        """Hand out what is left, as it is."""
        while self._waiting:
            self._hand_out(records.take(self._waiting.popleft()))

    async def _until(
        self, moment: Nanos, records: MemoryRecords, *, clock: Clock, ended: asyncio.Event
    ) -> None:
        """Wait until a moment of the recording, or its end."""
        while (now := clock.now()) < moment and not ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(min(moment - now, _LOOK) / SECOND):
                    await ended.wait()
            if clock.now() - self._looked >= _LOOK:
                self._looked = clock.now()
                self._hand_out_settled(records, self._looked)

    async def _send(self, requests: Sequence[OrderRequest], engine: Engine) -> None:
        for some in _pieces(requests):
            try:
                async with asyncio.TaskGroup() as group:
                    sent = [group.create_task(_submitted(engine, one)) for one in some]
            except ExceptionGroup as failed:
                raise first_in(failed, TwapError) or failed from None
            self._waiting += [result.order.terms.order_id for one in sent for result in one.result()]

    def _hand_out_settled(self, records: MemoryRecords, now: Nanos) -> None:
        for _ in range(len(self._waiting)):
            order_id = self._waiting.popleft()
            progress = records.order(order_id).progress
            if progress.ended is not None and progress.ended + _SETTLED <= now:
                self._hand_out(records.take(order_id))
            else:
                self._waiting.append(order_id)


async def _submitted(engine: Engine, one: OrderRequest) -> Sequence[SubmitResult]:
    try:
        return await engine.submit(one.token_id, [one])
    except TwapError as error:
        raise NotJudged(one.token_id, error) from error


def _start(one: OrderRequest) -> Nanos:
    assert one.start is not None, "an order that is sent apart has an absolute start"
    return one.start


def _pieces(requests: Sequence[OrderRequest]) -> Iterator[Sequence[OrderRequest]]:
    return (requests[first : first + _AT_ONCE] for first in range(0, len(requests), _AT_ONCE))


def _too_late(one: OrderRequest, start: Nanos, last: Nanos) -> InvalidRequest:
    return InvalidRequest(
        f"order {one.token_id} starts at {to_text(start)}, and the recording ends at {to_text(last)}: "
        "let it start earlier",
        field="start_time",
    )
