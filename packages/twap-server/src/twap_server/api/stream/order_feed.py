"""Send one user's order events, each exactly once and in order: recorded ones first, then live ones.

1. The reader is subscribed to the bus before the store is read, so nothing falls in between.
2. ``go_on`` sends the next page of what was recorded after the place that was asked for. Each page is read
   and written at its turn among all catch-ups of the server; whatever else waits for the reader goes out
   between two pages.
3. A live event that was sent already, or is to come in a page, is dropped; one that leaves a gap makes the
   store be read again.

Asked again, the reader begins once more at the earliest place still wanted: what was asked for before and not
sent yet is part of it. So a reader has one catch-up, however often it asks.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from twap_server.api.fair_queue import FairQueue
from twap_server.api.ports import EventReader
from twap_server.api.wire import present
from twap_server.domain.orders.order import OrderEvent
from twap_server.feed.bus import CatchUp

Send: TypeAlias = Callable[[str], Awaitable[None]]


class OrderFeed:
    """Sends events of one user to one client."""

    def __init__(self, reader: EventReader, send: Send, *, page: int, queue: FairQueue) -> None:
        """Read recorded events ``page`` at a time, in ``queue`` by user."""
        self._reader = reader
        self._send = send
        self._page = page
        self._queue = queue
        self._sent: int | None = None
        """None: nobody follows."""
        self._since: int | None = None
        """Asked for and not begun."""
        self._behind = False
        self._marks = 0

    def ask(self, since: int) -> CatchUp:
        """Want what was recorded after ``since``; gives the mark to call ``go_on`` with."""
        self._since = since if self._since is None else min(since, self._since)
        self._marks += 1
        return CatchUp(self._marks)

    async def go_on(self, user_id: str, mark: CatchUp) -> bool:
        """Send the next page and be ready for what comes; tells whether more follows.

        Older marks than the newest do nothing: the newest begins where they would have.
        """
        if mark.number != self._marks:
            return False
        if self._since is not None:
            self._sent = self._since if self._sent is None else min(self._since, self._sent)
            self._since, self._behind = None, True
        if self._sent is None:
            return False
        self._behind = await self._send_page(user_id, self._sent)
        return self._behind

    def stop(self) -> None:
        """Drop events from now on."""
        self._sent = self._since = None
        self._behind = False
        self._marks += 1

    async def on_event(self, user_id: str, event: OrderEvent) -> None:
        """Send a live event, unless it was sent already, is to come in a page, or nobody follows."""
        while self._is_wanted(event) and self._sent is not None and event.seq > self._sent + 1:
            if not await self._send_page(user_id, self._sent):
                break
        if self._is_wanted(event) and self._sent is not None and event.seq == self._sent + 1:
            await self._tell(event.seq, _text(event))

    def _is_wanted(self, event: OrderEvent) -> bool:
        awaited = self._behind or self._since is not None
        return self._sent is not None and not awaited and event.seq > self._sent

    async def _send_page(self, user_id: str, since: int) -> bool:
        async with self._queue.take(user_id):
            events = await self._reader.events(user_id, since, self._page)
            texts = [(event.seq, _text(event)) for event in events]
        for seq, text in texts:
            await self._tell(seq, text)
        return len(texts) == self._page and self._sent is not None

    async def _tell(self, seq: int, text: str) -> None:
        if self._sent is not None:
            self._sent = seq
            await self._send(text)


def _text(event: OrderEvent) -> str:
    return present.order_event(event).to_json().decode()
