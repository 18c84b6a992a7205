"""One WebSocket: opened within a deadline, sent to within the exchange's message rate.

Raises FeedErrors with words fit for a user; the library's own errors never leave this module.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from twap_server.collector.budget import Budget
from twap_server.collector.bursts import BurstConnection
from twap_server.collector.config import CollectorConfig
from twap_server.domain.clock import Clock
from twap_server.domain.errors import ConnectionLost
from twap_server.exchanges.base import Exchange


class AttemptRefused(ConnectionLost):
    """The exchange refused the connection itself; wait ``retry_after`` seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Connection(Protocol):
    """An open WebSocket, or what stands in for one."""

    @property
    def receive(self) -> Callable[[], Awaitable[str | bytes]]:
        """Waits for the next frame, as bytes; raises ConnectionLost. Read it once, call it often."""
        ...

    async def send(self, text: str) -> None:
        """Send within the message rate.

        Raises:
            ConnectionLost: the connection is closed.
        """
        ...


class SocketConnection:
    """A WebSocket on the internet."""

    def __init__(self, socket: BurstConnection, *, budget: Budget) -> None:
        self._socket = socket
        self._budget = budget
        self.receive: Callable[[], Awaitable[str | bytes]] = _receiver(socket)

    async def send(self, text: str) -> None:
        """See ``Connection``."""
        await self._budget.spend()
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            raise ConnectionLost("the exchange closed the connection") from None


@asynccontextmanager
async def opened(exchange: Exchange, config: CollectorConfig, clock: Clock) -> AsyncIterator[Connection]:
    """Open the exchange's WebSocket; leaving the block closes it.

    Raises:
        ConnectionLost: it cannot be opened within ``open_timeout_s``; AttemptRefused when it was refused.
    """
    socket = await _open(exchange.ws_url, config)
    budget = Budget(clock, amount=exchange.limits.messages_per_second, window_s=1)
    try:
        yield SocketConnection(socket, budget=budget)
    finally:
        await socket.close()


async def _open(url: str, config: CollectorConfig) -> BurstConnection:
    try:
        socket = await connect(
            url,
            create_connection=BurstConnection,
            open_timeout=config.open_timeout_s,
            close_timeout=1,
            max_size=config.max_message_bytes,
            compression=None,
            user_agent_header=None,
        )
        assert isinstance(socket, BurstConnection)
        return socket
    except InvalidStatus as refusal:
        raise _refused(refusal) from None
    except TimeoutError:
        raise ConnectionLost("the exchange does not answer") from None
    except ConnectionRefusedError:
        raise ConnectionLost("the exchange refuses connections") from None
    except (OSError, WebSocketException, ValueError):
        raise ConnectionLost("the exchange cannot be reached") from None


def _receiver(socket: BurstConnection) -> Callable[[], Awaitable[str | bytes]]:
    following = socket.next

    async def receive() -> str | bytes:
        try:
            return await following()
        except ConnectionClosed:
            raise ConnectionLost("the exchange closed the connection") from None

    return receive


def _refused(refusal: InvalidStatus) -> AttemptRefused:
    status = refusal.response.status_code
    after = refusal.response.headers.get("Retry-After", "")
    default = 60 if status in (403, 418, 429, 451) else 5
    wait = int(after) if after.isascii() and after.isdigit() else default
    return AttemptRefused(f"the exchange refuses the connection (HTTP {status})", retry_after=min(wait, 3600))
