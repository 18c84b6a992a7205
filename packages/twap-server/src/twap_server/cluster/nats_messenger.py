"""Talk to other nodes over NATS (the library ``nats-py``).

Nobody who tells something ever waits for the network: one task hands to the library what is published, and
that holds what is not written yet. While NATS cannot be reached, or takes less than is told, what is told is
thrown away: it would be stale by then, and whoever listens asks for what it missed.

What goes wrong in a callback of the library nobody waits for. So all of that is noted in ``Troubles``.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError, SlowConsumerError

from twap_server.clock import SystemClock
from twap_server.cluster.coding import WrongVersion
from twap_server.cluster.messenger import MOST_BYTES, MessageSubscription, NoAnswer, Reply, Take
from twap_server.cluster.troubles import Troubles
from twap_server.domain.errors import UnavailableError

log = logging.getLogger(__name__)

MOST_UNSENT: Final = 32 * 1024 * 1024
"""Bytes that wait to be written: some seconds of the busiest node. More are thrown away."""
_AROUND: Final = 256
"""Bytes that a message takes beside its body."""
_MOST_UNREAD: Final = 65_536
"""Messages of one subscription that wait to be taken; more are lost, as NATS itself would drop them."""
_OPEN_WITHIN_S: Final = 5
_AGAIN_EVERY_S: Final = 1
_LAST_WORDS_S: Final = 2
"""A NATS that takes nothing any more holds up no node that ends."""
_NOT_ALLOWED: Final = re.compile(
    r"permissions violation(?: for (publish|subscription) to \"([^\"]*)\")?", re.I
)


class NatsMessenger:
    """A ``Messenger``; see :meth:`connected`."""

    def __init__(self, client: "_NatsConnection", troubles: Troubles) -> None:
        self._client, self._troubles = client, troubles
        self._waiting: deque[tuple[str, bytes]] = deque()
        """What the library is given as soon as it is the turn of ``_write``."""
        self._waiting_bytes = 0
        self._any = asyncio.Event()
        self._ends = False
        self._on_return: list[Callable[[], None]] = []

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, *, name: str, troubles: Troubles | None = None) -> AsyncIterator[Self]:
        """Connect, and keep connected until the block ends.

        Args:
            url: ``nats://[USER:PASSWORD@]HOST:4222``; several, with commas between, are one cluster of NATS.
            name: of this node, as NATS shows it.
            troubles: notes what cannot be read, and what was lost.

        Raises:
            UnavailableError: no server of these can be reached now, or it takes only small messages.
        """
        client = _NatsConnection()
        made = cls(client, troubles or Troubles(SystemClock()))
        await made._open(url, name)
        try:
            if too_small := made._too_small():
                raise UnavailableError(f"NATS at {_without_password(url)} {too_small}")
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(made._write(), name="messages to other nodes")
                yield made
                writing.cancel()
        finally:
            made._ends = True
            await client.end()

    @property
    def is_connected(self) -> bool:
        """See ``Messenger``."""
        return bool(self._client.is_connected)

    def publish(self, subject: str, body: bytes) -> None:
        """See ``Messenger``."""
        if self.is_connected and self._has_room(len(body)):
            self._waiting.append((subject, body))
            self._waiting_bytes += len(body) + _AROUND
            self._any.set()

    @property
    def unsent(self) -> int:
        """Bytes that wait to be written."""
        return self._waiting_bytes + self._client.unsent

    async def listen(self, subject: str, take: Take) -> MessageSubscription:
        """See ``Messenger``."""

        async def taken(message: Msg) -> None:
            try:
                take(message.data)
            except WrongVersion as error:
                self._troubles.note(str(error))
            except Exception as error:
                self._troubles.note_fault("a message of another node could not be taken in", error)

        return _NatsSubscription(
            await self._client.subscribe(subject, cb=taken, pending_msgs_limit=_MOST_UNREAD)
        )

    async def answer(self, subject: str, reply: Reply) -> MessageSubscription:
        """See ``Messenger``."""
        answering = _Answering(reply, self.publish, self._troubles)
        subscription = await self._client.subscribe(
            subject, cb=answering.take, pending_msgs_limit=_MOST_UNREAD
        )
        return answering.begun(subscription)

    async def ask(self, subject: str, body: bytes, *, timeout: float) -> bytes:
        """See ``Messenger``."""
        if not self.is_connected:
            raise NoAnswer("this node has no connection to NATS now: try again in a moment", retry_after=1)
        if not self._has_room(len(body)):
            raise NoAnswer("NATS takes nothing from this node now: try again in a moment", retry_after=1)
        try:
            answer: bytes = (await self._client.request(subject, body, timeout=timeout)).data
        except MaxPayloadError:
            self._note_too_large(subject, body)
            raise NoAnswer("NATS does not take messages of that size", retry_after=5) from None
        except (NatsError, OSError, TimeoutError):
            raise NoAnswer("another part of the server does not answer: try again", retry_after=1) from None
        return answer

    def on_return(self, callback: Callable[[], None]) -> None:
        """See ``Messenger``."""
        self._on_return.append(callback)

    def _has_room(self, size: int) -> bool:
        if self.unsent + size <= MOST_UNSENT:
            return True
        self._troubles.note("NATS takes less than this node tells: what finds no room is lost")
        return False

    def _too_small(self) -> str:
        """Why this NATS will not do, in words; empty: it takes all that nodes say."""
        most = self._client.max_payload
        if most >= MOST_BYTES:
            return ""
        return (
            f"takes messages of at most {most:,} bytes, nodes send up to {MOST_BYTES:,}: "
            "set max_payload in the settings of nats-server to 1MB, its default"
        )

    def _note_too_large(self, subject: str, body: bytes) -> None:
        most = self._client.max_payload
        self._troubles.note(
            f"a message of {len(body):,} bytes on {subject} was lost, NATS takes at most {most:,} "
            "(max_payload in the settings of nats-server)",
            kind="too large",
        )

    async def _open(self, url: str, name: str) -> None:
        failures: list[Exception] = []

        async def note(error: Exception) -> None:
            log.debug("NATS: %s", error)
            if not any(_is_refusal(str(one)) for one in failures):  # tried again, it may be cut off unread
                failures[:] = [error]
            self._note(error)

        try:
            async with asyncio.timeout(_OPEN_WITHIN_S):
                await self._client.connect(
                    [one.strip() for one in url.split(",")],
                    name=name,
                    connect_timeout=_OPEN_WITHIN_S,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=_AGAIN_EVERY_S,
                    ping_interval=1,
                    max_outstanding_pings=3,
                    pending_size=0,  # what is told while the connection is lost is stale when it is back
                    error_cb=note,
                    disconnected_cb=self._lost,
                    reconnected_cb=self._returned,
                )
        except (NatsError, OSError, TimeoutError, ValueError) as error:
            why = failures[0] if failures else error
            raise UnavailableError(_unreachable(url, str(why) or type(why).__name__)) from None

    def _note(self, error: Exception) -> None:
        """What the library tells to nobody else."""
        if isinstance(error, SlowConsumerError):
            self._troubles.note(
                "this node was told more than it could read: what was lost is asked for again"
            )
        elif found := _NOT_ALLOWED.search(str(error)):
            what, subject = found.groups()
            does = {"publish": "publish to", "subscription": "subscribe to"}.get(what or "", "use")
            self._troubles.note(
                f"NATS does not let the user of this node {does} {subject or 'a subject'} (here in lower "
                "case), perhaps more: give it the permission",
                kind=f"not allowed to {does}",
                lasts=what == "subscription",  # it is told once, and the node is deaf from then on
            )

    async def _write(self) -> None:
        while True:
            await self._any.wait()
            self._any.clear()
            while self._waiting:
                subject, body = self._waiting.popleft()
                self._waiting_bytes -= len(body) + _AROUND
                try:
                    await self._client.publish(subject, body)
                except MaxPayloadError:
                    self._note_too_large(subject, body)
                except (NatsError, OSError) as error:
                    log.debug("NATS: %s", error)

    async def _lost(self) -> None:
        if not self._ends:
            log.warning("the connection to NATS is lost: trying again until it is back")
        self._troubles.end_lasting()  # what the next connection may not do is told before it is back
        self._waiting.clear()
        self._waiting_bytes = 0

    async def _returned(self) -> None:
        self._troubles.note(
            "the connection to NATS was lost and is back: what was told meanwhile is asked for"
        )
        if too_small := self._too_small():
            self._troubles.note(f"this NATS {too_small}", kind="max_payload", lasts=True)
        for callback in self._on_return:
            try:
                callback()
            except Exception as error:
                self._troubles.note_fault("what was missed could not be asked for", error)


class _NatsConnection(Client):
    """The library's client, which would give up for ever, or wait for ever, where this one begins anew."""

    @property
    def unsent(self) -> int:
        """Bytes that are not written yet, to the socket's own buffer excepted."""
        writer = getattr(self._transport, "_io_writer", None)
        written: int = 0 if writer is None else writer.transport.get_write_buffer_size()
        return self._pending_data_size + written

    async def end(self) -> None:
        """Send what is still to be sent, and close."""
        if self.is_connected:
            try:
                await self.flush(_LAST_WORDS_S)
            except (NatsError, OSError, TimeoutError):
                self._give_up_unsent()
        with suppress(NatsError, OSError, TimeoutError):
            await self.close()

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """Before the password is sent: the library would send it unencrypted where NATS asks for no TLS."""
        server = self._current_server
        is_to_encrypt = server is not None and server.uri.scheme == "tls"
        if initial_connection and is_to_encrypt and not info.get("tls_required"):
            raise NatsError("it does not ask for TLS, and tls:// stands in its address: nothing was sent")
        await super()._process_info(info, initial_connection)

    async def _process_err(self, err_msg: str) -> None:
        """A server that names an error may end the connection; the library would end the client."""
        if self.is_connected and not _NOT_ALLOWED.search(err_msg):
            await self._error_cb(NatsError(f"nats: {err_msg}"))
            await self._process_op_err(NatsError(f"nats: {err_msg}"))
        else:
            await super()._process_err(err_msg)

    async def _process_op_err(self, e: Exception) -> None:
        """The connection is broken: the library would wait until what is unsent is sent by it."""
        if self.is_connected:
            self._give_up_unsent()
        await super()._process_op_err(e)

    async def _select_next_server(self) -> None:
        """Try another server; the library would leave open what it opened to the one that did not answer."""
        self._give_up_unsent()
        await super()._select_next_server()

    def _give_up_unsent(self) -> None:
        self._pending.clear()
        self._pending_data_size = 0
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()


class _NatsSubscription:
    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    async def end(self) -> None:
        """See ``MessageSubscription``."""
        with suppress(NatsError, OSError):
            await self._subscription.unsubscribe()


class _Answering:
    """Answers each question in a task of its own: a slow one holds up no other."""

    def __init__(self, reply: Reply, publish: Callable[[str, bytes], None], troubles: Troubles) -> None:
        self._reply, self._publish, self._troubles = reply, publish, troubles
        self._under_way: set[asyncio.Task[None]] = set()
        self._listening: _NatsSubscription | None = None

    def begun(self, subscription: Subscription) -> Self:
        """Questions come from now on."""
        self._listening = _NatsSubscription(subscription)
        return self

    async def end(self) -> None:
        """Take no more questions, and give those under way a moment: who asked tries again elsewhere."""
        if self._listening is not None:
            await self._listening.end()
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def take(self, question: Msg) -> None:
        """Begin to answer."""
        task = asyncio.get_running_loop().create_task(self._respond(question))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _respond(self, question: Msg) -> None:
        try:
            self._publish(question.reply, await self._reply(question.data))
        except WrongVersion as error:
            self._troubles.note(str(error))
        except Exception as error:
            self._troubles.note_fault("a question of another node could not be answered", error)


def _is_refusal(why: str) -> bool:
    return "authorization" in why.lower()


def _unreachable(url: str, why: str) -> str:
    where = _without_password(url)
    if _is_refusal(why):
        return (
            f"NATS at {where} refuses the user or the password: give them as nats://USER:PASSWORD@HOST:PORT"
        )
    return f"NATS cannot be reached at {where} ({why}): start nats-server, or name another with --nats"


def _without_password(url: str) -> str:
    """Only a part with its own ``//``, or without any name, is a server: a password may hold a comma."""
    return ", ".join(one.rpartition("@")[2] for one in re.split(r",\s*(?=\w+://|[^@]*$)", url))
