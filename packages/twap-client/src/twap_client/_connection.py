"""Open one WebSocket, sign in, read with a deadline for data; raise a ``StreamError`` when it ends.

A socket may be open and mute. Silence is answered by a ``ping`` of the protocol, and silence after that
counts as a lost connection. Nothing here reconnects; that is the stream's business.
"""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Self, assert_never

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.http11 import Response

from twap_client._pace import Pace
from twap_client._proxies import not_reached, proxy_of
from twap_client.config import ClientConfig
from twap_client.errors import (
    ConnectFailed,
    NotAuthenticated,
    NotPermitted,
    ProtocolMismatch,
    StreamClosed,
)
from twap_models import ErrorCode, __version__, exact_json
from twap_models.base import RequestModel
from twap_models.errors import Problem
from twap_models.stream import (
    AnyServerMessage,
    Authenticate,
    Authenticated,
    BookMessage,
    KlineMessage,
    OrderEvent,
    Ping,
    Pong,
    StreamError,
    Subscribed,
    TradeMessage,
    Unsubscribed,
    read_server_message,
)

_KNOWN = {
    "authenticated",
    "subscribed",
    "unsubscribed",
    "error",
    "pong",
    "book",
    "trade",
    "kline",
    "order_event",
}
_LONGEST_DETAIL = 300
_LARGEST_MESSAGE = 8 * 2**20
_AT_ONCE, _A_SECOND = 30, 40
"""Of our messages: a server may count them by its own seconds, and takes 100 in each."""
_PASSING_REFUSALS = (408, 425, 429)


def _end_in_words(error: ConnectionClosed) -> str:
    """Say who ended a connection and why: the server's own words, where it said something."""
    told = error.rcvd
    if told is None:
        return f"the stream's connection ended: {error}"
    why = f": {told.reason}" if told.reason else ""
    return f"the server closed the connection{why} ({told.code})"


class Connection:
    """An open, signed-in WebSocket.

    Attributes:
        opened_at, heard_at: by the event loop's clock, in seconds.
        signed_in_until: when the server ends the sign-in, if it said so.
    """

    def __init__(self, socket: ClientConnection, config: ClientConfig) -> None:
        self._socket = socket
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(at_once=_AT_ONCE, a_second=_A_SECOND)
        self.opened_at = self._loop.time()
        self.heard_at = self.opened_at
        self.signed_in_until: datetime | None = None

    @classmethod
    async def open(cls, token: str, config: ClientConfig) -> Self:
        """Connect and sign in. Cancelled or failed, no socket is left.

        Raises:
            ConnectFailed: not reachable now; worth another try.
            NotAuthenticated: the token was refused.
            NotPermitted: this client may not open a stream.
            StreamClosed: the connection ended while signing in.
        """
        connection = cls(await _dial(config, token), config)
        try:
            await connection._authenticate(token)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Say goodbye and close; returns within the close timeout."""
        await self._socket.close()

    async def send(self, message: RequestModel) -> None:
        """Send one message.

        Raises:
            StreamClosed: the connection has ended.
        """
        try:
            await self._pace.take()
            async with asyncio.timeout(self._config.silence_limit.total_seconds()):
                await self._socket.send(
                    exact_json.dumps(message.model_dump(exclude_none=True)).decode(), text=True
                )
        except ConnectionClosed as error:
            raise StreamClosed(_end_in_words(error)) from None
        except TimeoutError:
            raise StreamClosed("the stream's connection ended: send timed out") from None

    async def receive(self) -> AnyServerMessage:
        """Wait for the next message this client knows; ask for a sign of life when it is quiet.

        Raises:
            StreamClosed: the connection ended, or nothing came within the silence limit.
            ProtocolMismatch: what came is not this protocol.
        """
        while True:
            message = _read(await self._frame())
            if message is not None:
                return message

    async def _frame(self) -> str | bytes:
        quiet = self._config.ping_after.total_seconds()
        try:
            return await self._frame_by(self.heard_at + quiet)
        except TimeoutError:
            await self.send(Ping())
        limit = self._config.silence_limit
        try:
            return await self._frame_by(self.heard_at + limit.total_seconds())
        except TimeoutError:
            raise StreamClosed(f"nothing was heard for {limit.total_seconds():g} s") from None

    async def _frame_by(self, deadline: float) -> str | bytes:
        try:
            async with asyncio.timeout_at(deadline):
                frame = await self._socket.recv()
        except ConnectionClosed as error:
            raise StreamClosed(_end_in_words(error)) from None
        self.heard_at = self._loop.time()
        return frame

    async def _authenticate(self, token: str) -> None:
        try:
            async with asyncio.timeout(self._config.connect_timeout.total_seconds()):
                with suppress(StreamClosed):  # what was said before the end says why
                    await self.send(Authenticate(token=token))
                message = await self.receive()
        except TimeoutError:
            raise StreamClosed("the server did not answer the sign-in of the stream") from None
        match message:
            case Authenticated():
                self.signed_in_until = message.expires_at
            case StreamError(code=ErrorCode.NOT_AUTHENTICATED):
                raise NotAuthenticated(message.message, status=401, code=str(message.code))
            case StreamError(code=ErrorCode.NOT_PERMITTED):
                raise NotPermitted(message.message, status=403, code=str(message.code))
            case StreamError():
                raise StreamClosed(f"the server refused the stream for now: {message.message}")
            case Subscribed() | Unsubscribed() | Pong() | BookMessage() | OrderEvent():
                raise ProtocolMismatch(f"expected the answer to the sign-in, got {message.type!r}")
            case TradeMessage() | KlineMessage():
                raise ProtocolMismatch(f"expected the answer to the sign-in, got {message.type!r}")
            case _:
                assert_never(message)


async def _dial(config: ClientConfig, token: str) -> ClientConnection:
    headers = {"X-API-Key": token} if token == config.api_key else {}
    proxy = proxy_of(config.base_url, config.proxy)
    try:
        return await connect(
            config.stream_url,
            proxy=None if proxy is None else proxy.url,
            ssl=(config.tls or True) if config.stream_url.startswith("wss:") else None,
            additional_headers=headers,
            user_agent_header=f"twap-client/{__version__}",
            open_timeout=config.connect_timeout.total_seconds(),
            close_timeout=config.close_timeout.total_seconds(),
            ping_interval=None,
            max_size=_LARGEST_MESSAGE,
        )
    except InvalidStatus as error:
        raise _refused(error.response, config) from None
    except (OSError, TimeoutError, EOFError, InvalidHandshake, WebSocketException) as error:
        raise not_reached(config.base_url, error, proxy) from None


def _refused(response: Response, config: ClientConfig) -> Exception:
    status = response.status_code
    message = f"{config.stream_url} answered {status}{_detail_of(response)}"
    match status:
        case 401:
            return NotAuthenticated(message, status=status, code="not_authenticated")
        case 403 | 421:  # 421: the server does not go by this name, and will not by waiting
            return NotPermitted(message, status=status, code="not_permitted")
        case _ if status >= 500 or status in _PASSING_REFUSALS:
            return ConnectFailed(message)
        case _:
            return ConnectFailed(f"{message}: is the address that of a twap server?", reason="not_twap")


def _detail_of(response: Response) -> str:
    """What the server says of its refusal, if it says it as a problem document."""
    try:
        return f": {Problem.model_validate_json(response.body or b'').detail[:_LONGEST_DETAIL]}"
    except ValueError:
        return ""


def _read(frame: str | bytes) -> AnyServerMessage | None:
    try:
        return read_server_message(frame)
    except ValueError as error:
        if _is_newer(frame):
            return None
        raise ProtocolMismatch(f"expected a message of the stream, got {frame[:80]!r}") from error


def _is_newer(frame: str | bytes) -> bool:
    """Whether it is a kind of message that a newer server may send and this client does not know."""
    try:
        found = exact_json.loads(frame, exact_json.TOLD)
    except ValueError:
        return False
    kind = found.get("type") if isinstance(found, dict) else None
    return isinstance(kind, str) and kind not in _KNOWN
