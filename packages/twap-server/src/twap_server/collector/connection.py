"""Open one WebSocket within a deadline, and send within the exchange's message rate.

Raises FeedErrors with words fit for a user; the library's own errors never leave this module.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Final, Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidProxy,
    InvalidStatus,
    ProxyError,
    WebSocketException,
)
from websockets.frames import CLOSE_CODE_EXPLANATIONS, CloseCode

from twap_server.collector.config import CollectorConfig
from twap_server.collector.failures import of_http, of_reach
from twap_server.collector.proxies import place_of, proxy_of
from twap_server.collector.rate_limit import RateLimiter
from twap_server.collector.websocket import BurstConnection
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.market.errors import AttemptRefused, ConnectionLost, MessageTooLarge
from twap_server.exchanges.base import Exchange

_REFUSED_WAIT_S: Final = 5
"""Of a refusal that names no time: as reconnecting after a maintenance is asked for."""
_NOTHING_SAID: Final = (CloseCode.NORMAL_CLOSURE, CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE)


class Connection(Protocol):
    """An open WebSocket, or what stands in for one."""

    @property
    def acknowledges(self) -> bool:
        """Whether somebody answers what is sent. A recording does not: all that is asked for is granted."""
        ...

    @property
    def moment(self) -> Callable[[], Nanos] | None:
        """Tells when the messages were taken that ``receive`` gave last; None: that is the time now."""
        ...

    @property
    def receive(self) -> Callable[[], Awaitable[Sequence[str | bytes]]]:
        """Waits for messages and gives all that are here, in order; raises ConnectionLost.

        Read it once, call it often.
        """
        ...

    async def send(self, text: str) -> None:
        """Send within the message rates.

        Raises:
            ConnectionLost: the connection is closed.
        """
        ...

    async def reply(self, text: str) -> None:
        """Send at once what keeps the connection open, an answer or a ping: no rate holds it up.

        Raises:
            ConnectionLost: the connection is closed.
        """
        ...


class Socket(Protocol):
    """What both libraries give; raises the errors of ``websockets``."""

    async def burst(self) -> list[bytes]:
        """Wait for messages and take all that are here."""
        ...

    async def send(self, text: str, /) -> None:
        """Send a text."""
        ...

    async def close(self) -> None:
        """Close, within a second or so."""
        ...


class SocketConnection:
    """A WebSocket on the internet."""

    acknowledges = True
    moment: Callable[[], Nanos] | None = None

    def __init__(self, socket: Socket, *, limiters: Sequence[RateLimiter]) -> None:
        self._socket = socket
        self._limiters = limiters
        self.receive: Callable[[], Awaitable[Sequence[bytes]]] = _receiver(socket)

    async def send(self, text: str) -> None:
        """See ``Connection``."""
        for limiter in self._limiters:
            await limiter.spend()
        await self.reply(text)

    async def reply(self, text: str) -> None:
        """See ``Connection``."""
        try:
            await self._socket.send(text)
        except ConnectionClosed as end:
            raise _why_closed(end) from None


@asynccontextmanager
async def opened(exchange: Exchange, config: CollectorConfig, clock: Clock) -> AsyncIterator[Connection]:
    """Open the exchange's WebSocket; leaving the block closes it.

    Raises:
        ConnectionLost: it cannot be opened within ``open_timeout_s``; AttemptRefused when it was refused.
    """
    socket = await _open(exchange, config, clock)
    limiters = [RateLimiter(clock, amount=most, window_s=within) for most, within in exchange.limits.sends]
    try:
        yield SocketConnection(socket, limiters=limiters)
    finally:
        await socket.close()


def check_library(config: CollectorConfig) -> None:
    """Look at the start whether the library is there that the settings name.

    Raises:
        InvalidRequest: it is not.
    """
    if config.websocket == "picows" and not find_spec("picows"):
        raise InvalidRequest(
            "picows is not installed: install the extra fast of twap-server, or choose websockets or auto",
            field="collector.websocket",
        )


async def _open(exchange: Exchange, config: CollectorConfig, clock: Clock) -> Socket:
    host, proxy = place_of(exchange.ws_url), proxy_of(exchange.ws_url)
    is_fast = config.websocket == "picows" or (config.websocket == "auto" and find_spec("picows"))
    try:
        return await (_fast if is_fast else _usual)(
            exchange.ws_url, None if proxy is None else proxy.url, config
        )
    except InvalidStatus as answer:
        raise _refused(answer, exchange, clock) from None
    except (ProxyError, InvalidProxy):
        raise ConnectionLost(f"the proxy {proxy} does not let us through") from None
    except OSError as error:
        raise ConnectionLost(of_reach(error, host)) from None
    except (WebSocketException, ValueError):
        raise ConnectionLost(f"{host} does not answer as a WebSocket does") from None


async def _usual(url: str, proxy: str | None, config: CollectorConfig) -> Socket:
    socket = await connect(
        url,
        proxy=proxy,
        create_connection=BurstConnection,
        open_timeout=config.open_timeout_s,
        ping_interval=config.ping_every_s,
        ping_timeout=config.ping_every_s,
        close_timeout=1,
        max_size=config.max_message_bytes,
        compression=None,
        user_agent_header=None,
    )
    assert isinstance(socket, BurstConnection)
    return socket


async def _fast(url: str, proxy: str | None, config: CollectorConfig) -> Socket:
    from twap_server.collector import fast_websocket  # noqa: PLC0415 - an extra

    return await fast_websocket.connect(
        url,
        proxy=proxy,
        open_timeout=config.open_timeout_s,
        ping_every_s=config.ping_every_s,
        max_size=config.max_message_bytes,
    )


def _receiver(socket: Socket) -> Callable[[], Awaitable[Sequence[bytes]]]:
    burst = socket.burst

    async def receive() -> Sequence[bytes]:
        try:
            return await burst()
        except ConnectionClosed as end:
            raise _why_closed(end) from None

    return receive


def _refused(answer: InvalidStatus, exchange: Exchange, clock: Clock) -> AttemptRefused:
    response, now = answer.response, clock.now()
    failure = of_http(
        response.status_code,
        retry_after=response.headers.get("Retry-After", ""),
        refusal=exchange.refusal(response.status_code, bytes(response.body or b"")),
        now=now,
    )
    wait = failure.wait_s or _REFUSED_WAIT_S
    until = Nanos(now + wait * SECOND)
    return AttemptRefused(failure.words, retry_after=wait, until=until, is_barred=failure.is_barred)


def _why_closed(end: ConnectionClosed) -> ConnectionLost:
    """Tell who closed the connection, and why; of what the exchange wrote only the code is told."""
    if end.sent is not None and not end.rcvd_then_sent:
        if end.sent.code == CloseCode.MESSAGE_TOO_BIG:
            return MessageTooLarge("we closed the connection: more came at once than we take (code 1009)")
        if end.sent.code == CloseCode.INTERNAL_ERROR:
            return ConnectionLost("we closed the connection: the exchange does not answer our pings")
        return ConnectionLost(f"we closed the connection: what came is no message (code {end.sent.code})")
    if end.rcvd is None or end.rcvd.code in _NOTHING_SAID:
        return ConnectionLost("the exchange closed the connection")
    meaning = CLOSE_CODE_EXPLANATIONS.get(end.rcvd.code, "of its own")
    return ConnectionLost(f"the exchange closed the connection (code {end.rcvd.code}: {meaning})")
