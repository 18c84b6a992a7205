"""Read protocol messages from one WebSocket within limits, and write with a deadline."""

import asyncio
import contextlib
from datetime import timedelta

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from twap_models.base import WireModel
from twap_models.enums import ErrorCode
from twap_models.plain_words import plain
from twap_models.stream import (
    Authenticate,
    Ping,
    StreamError,
    Subscribe,
    Unsubscribe,
    read_client_message,
)
from twap_server.api.config import StreamConfig
from twap_server.api.stream.framing import admit, unsent_in, writer_in
from twap_server.domain.clock import SECOND, Clock
from twap_server.feed.bus import EncodedMessage

POLICY, TOO_BIG, INTERNAL, TRY_LATER, GONE = 1008, 1009, 1011, 1013, 1006
_GOODBYE = timedelta(seconds=1)


class SessionOver(Exception):
    """The session ends with this close code; ``error`` is sent first."""

    def __init__(self, code: int, reason: str, *, error: StreamError | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.error = error


def refusal(code: ErrorCode, message: str, *, close: int = POLICY) -> SessionOver:
    """End the session with an error message."""
    shown = message.encode()[:100].decode(errors="ignore")  # a closing frame has room for 123 bytes
    return SessionOver(close, shown, error=StreamError(code=code, message=message))


class ClientSocket:
    """Reads and writes; counts what a client does wrong."""

    def __init__(self, socket: WebSocket, config: StreamConfig, clock: Clock) -> None:
        """Speak over ``socket``, already accepted."""
        self._socket = socket
        self._write_framed = writer_in(socket.scope)
        self._unsent = unsent_in(socket.scope)
        self._config = config
        self._clock = clock
        self._strikes = 0
        self._second = 0
        self._messages = 0

    async def read(self) -> Authenticate | Subscribe | Unsubscribe | Ping | StreamError:
        """Read the next message; a ``StreamError`` is what to answer to a bad one.

        Raises:
            SessionOver: the client left, floods, or repeats what is no message.
        """
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise SessionOver(GONE, "the client left")
        self._count()
        text = received.get("text")
        if text is None:
            return self._strike("expected a text frame", POLICY)
        if len(text) > self._config.max_message or len(text.encode()) > self._config.max_message:
            return self._strike(f"expected at most {self._config.max_message} bytes", TOO_BIG)
        try:
            return read_client_message(text)
        except ValidationError as error:
            return StreamError(code=ErrorCode.INVALID_REQUEST, message=words_of(error))
        except ValueError as error:
            return self._strike(f"expected a JSON object: {str(error)[:120]}", POLICY)

    def admit(self) -> None:
        """Let the client send as much as one that has signed in."""
        admit(self._socket.scope)

    def send_now(self, thing: object) -> bool:
        """Write a framed message at once; false when it must be sent the usual way, or to a busy client."""
        if self._write_framed is None or not isinstance(thing, EncodedMessage) or not thing.framed:
            return False
        return self._write_framed(thing.framed)

    async def send(self, text: str) -> None:
        """Send one message.

        Raises:
            SessionOver: the client took nothing until the deadline, or has gone.
        """
        while True:
            unsent = self._unsent()
            try:
                async with asyncio.timeout(self._config.send_timeout.total_seconds()):
                    await self._socket.send_text(text)
                return
            except TimeoutError:  # nothing of this message was written yet
                if not 0 < self._unsent() < unsent:
                    raise SessionOver(POLICY, "slow: nothing was read for too long") from None
            except (WebSocketDisconnect, RuntimeError, OSError):
                raise SessionOver(GONE, "the client left") from None

    async def say(self, message: WireModel) -> None:
        """Send a model."""
        await self.send(message.to_json().decode())

    async def close(self, over: SessionOver) -> None:
        """Say the last words and close; never fails, never takes long."""
        if over.code == GONE:
            return
        with contextlib.suppress(SessionOver, WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
            async with asyncio.timeout(_GOODBYE.total_seconds()):
                if over.error is not None:
                    await self.say(over.error)
                await self._socket.close(over.code, over.reason)

    def _strike(self, message: str, close: int) -> StreamError:
        self._strikes += 1
        if self._strikes > 1:
            raise refusal(ErrorCode.INVALID_REQUEST, message, close=close)
        return StreamError(code=ErrorCode.INVALID_REQUEST, message=message)

    def _count(self) -> None:
        second = self._clock.monotonic() // SECOND
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        if self._messages > self._config.max_messages_per_second:
            raise refusal(ErrorCode.RATE_LIMITED, "too many messages in one second")


def words_of(error: ValidationError) -> str:
    """What is wrong with a message, and in which field."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    text = f"{where}: {plain(first['msg'])}" if where else plain(first["msg"])
    return text[:300].encode(errors="backslashreplace").decode()
