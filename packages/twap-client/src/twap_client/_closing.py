"""Wait until an order is closed: follow its events, and know what was seen when the time is over."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from twap_models import OrderEvent, TwapOrder


class Followed(Protocol):
    """A stream of the account's order events."""

    @property
    def trouble(self) -> str:
        """Why it has no connection."""

    async def ready(self, *, timeout: float | None) -> None:
        """Wait until nothing is missed any more."""

    async def __anext__(self) -> object: ...


Follow = Callable[[], AbstractAsyncContextManager[Followed]]
"""Opens a stream with the account's order events."""


class Closing:
    """One order that somebody waits for."""

    def __init__(self, token_id: str, look: Callable[[], Awaitable[TwapOrder]], follow: Follow) -> None:
        """Wait for the order that ``look`` fetches."""
        self._token_id = token_id
        self._look, self._follow = look, follow
        self._stream: Followed | None = None
        self._order: TwapOrder | None = None

    async def wait(self) -> TwapOrder:
        """Give the order when it is closed."""
        async with self._follow() as stream:
            self._stream = stream
            await stream.ready(timeout=None)
            self._order = await self._look()
            while self._order.status.is_open:
                item = await stream.__anext__()
                if isinstance(item, OrderEvent) and item.token_id == self._token_id:
                    self._order = item.order
            return self._order

    def said_after(self, seconds: float) -> str:
        """Say what is known when the time is over: only of a live connection that it is still open."""
        trouble = self._stream.trouble if self._stream else ""
        if trouble or self._order is None:
            why = trouble or "the server has not answered yet"
            return f"whether the order {self._token_id!r} is closed is not known after {seconds:g} s: {why}"
        return f"the order {self._token_id!r} was still open after {seconds:g} s"
