"""One user's order events, each exactly once and in order: recorded ones first, then live ones.

1. The reader is subscribed to the bus before the store is read, so nothing falls in between.
2. ``follow`` sends everything recorded after ``since``, page by page.
3. A live event that was sent already is dropped; one that leaves a gap makes the store be read again.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from twap_server.api import present
from twap_server.api.ports import EventReader
from twap_server.domain.order import OrderEvent

Send: TypeAlias = Callable[[str], Awaitable[None]]


class OrderFeed:
    """Sends events of one user to one client."""

    def __init__(self, reader: EventReader, send: Send, *, page: int) -> None:
        """Read recorded events ``page`` at a time."""
        self._reader = reader
        self._send = send
        self._page = page
        self._user_id = ""
        self._sent: int | None = None

    async def follow(self, user_id: str, since: int) -> None:
        """Send what was recorded after ``since`` and be ready for what comes."""
        self._user_id, self._sent = user_id, since
        await self._catch_up()

    def stop(self) -> None:
        """Drop events from now on."""
        self._sent = None

    async def on_event(self, event: OrderEvent) -> None:
        """Send a live event, unless it was sent already or nobody follows."""
        if self._sent is None or event.seq <= self._sent:
            return
        if event.seq > self._sent + 1:
            await self._catch_up()
        if self._sent is not None and event.seq == self._sent + 1:
            await self._tell(event)

    async def _catch_up(self) -> None:
        more = True
        while more and self._sent is not None:
            events = await self._reader.events(self._user_id, self._sent, self._page)
            for event in events:
                await self._tell(event)
            more = len(events) == self._page

    async def _tell(self, event: OrderEvent) -> None:
        if self._sent is None:
            return
        self._sent = event.seq
        await self._send(present.order_event(event).to_json().decode())
