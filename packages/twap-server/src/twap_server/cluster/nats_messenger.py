"""Talk to other nodes over NATS (the library ``nats-py``).

What is published waits in a bounded queue for the one task that writes, so that nobody who tells something
ever waits for the network. While NATS cannot be reached all of it is thrown away: it would be stale by then,
and whoever listens asks for what it missed.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import SlowConsumerError

from twap_server.clock import SystemClock
from twap_server.cluster.coding import WrongVersion
from twap_server.cluster.messenger import MessageSubscription, NoAnswer, Reply, Take
from twap_server.cluster.troubles import Troubles
from twap_server.domain.errors import UnavailableError

log = logging.getLogger(__name__)

_MOST_WAITING: Final = 100_000
"""Messages that wait to be written: more than a second of the busiest node."""
_MOST_UNREAD: Final = 65_536
"""Messages of one subscription that wait to be taken; more are lost, as NATS itself would drop them."""
_OPEN_WITHIN_S: Final = 5
_AGAIN_EVERY_S: Final = 1
_LAST_WORDS_S: Final = 2
"""A NATS that takes nothing any more holds up no node that ends."""
_NOT_ALLOWED: Final = "permissions violation"


class NatsMessenger:
    """A ``Messenger``; see :meth:`connected`."""

    def __init__(self, client: Client, troubles: Troubles) -> None:
        self._client, self._troubles = client, troubles
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=_MOST_WAITING)
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
            UnavailableError: no server of these can be reached now.
        """
        client = _NatsConnection()
        made = cls(client, troubles or Troubles(SystemClock()))
        await made._open(url, name)
        try:
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
        if self.is_connected:
            self._waiting.append((subject, body))
            self._any.set()

    async def listen(self, subject: str, take: Take) -> MessageSubscription:
        """See ``Messenger``."""

        async def taken(message: Msg) -> None:
            try:
                take(message.data)
            except WrongVersion as error:
                self._troubles.note(str(error))

        return _NatsSubscription(
            await self._client.subscribe(subject, cb=taken, pending_msgs_limit=_MOST_UNREAD)
        )

    async def answer(self, subject: str, reply: Reply) -> MessageSubscription:
        """See ``Messenger``."""
        return await _Answering.begun(self._client, subject, reply, self._troubles)

    async def ask(self, subject: str, body: bytes, *, timeout: float) -> bytes:
        """See ``Messenger``."""
        if not self.is_connected:
            raise NoAnswer("this node has no connection to NATS now: try again in a moment", retry_after=1)
        try:
            answer: bytes = (await self._client.request(subject, body, timeout=timeout)).data
        except (NatsError, OSError, TimeoutError):
            raise NoAnswer("another part of the server does not answer: try again", retry_after=1) from None
        return answer

    def on_return(self, callback: Callable[[], None]) -> None:
        """See ``Messenger``."""
        self._on_return.append(callback)

    async def _open(self, url: str, name: str) -> None:
        failures: list[Exception] = []

        async def note(error: Exception) -> None:
            log.debug("NATS: %s", error)
            if not any(_is_refusal(str(one)) for one in failures):  # tried again, it may be cut off unread
                failures[:] = [error]
            if isinstance(error, SlowConsumerError):
                self._troubles.note(
                    "this node was told more than it could read: what was lost is asked for again"
                )

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

    async def _write(self) -> None:
        while True:
            await self._any.wait()
            self._any.clear()
            while self._waiting:
                subject, body = self._waiting.popleft()
                with suppress(NatsError, OSError):
                    await self._client.publish(subject, body)

    async def _lost(self) -> None:
        if not self._ends:
            log.warning("the connection to NATS is lost: trying again until it is back")
        self._waiting.clear()

    async def _returned(self) -> None:
        self._troubles.note(
            "the connection to NATS was lost and is back: what was told meanwhile is asked for"
        )
        for callback in self._on_return:
            callback()


class _NatsConnection(Client):
    """The library's client, which would give up for ever, or wait for ever, where this one begins anew."""

    async def end(self) -> None:
        """Send what is still to be sent, and close."""
        if self.is_connected:
            try:
                await self.flush(_LAST_WORDS_S)
            except (NatsError, OSError, TimeoutError):
                self._give_up_unsent()
        with suppress(NatsError, OSError, TimeoutError):
            await self.close()

    async def _process_err(self, err_msg: str) -> None:
        """A server that names an error may end the connection; the library would end the client."""
        if self.is_connected and _NOT_ALLOWED not in err_msg.lower():
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

    def __init__(self, reply: Reply, troubles: Troubles) -> None:
        self._reply, self._troubles = reply, troubles
        self._under_way: set[asyncio.Task[None]] = set()
        self._listening: _NatsSubscription | None = None

    @classmethod
    async def begun(cls, client: Client, subject: str, reply: Reply, troubles: Troubles) -> Self:
        made = cls(reply, troubles)
        subscription = await client.subscribe(subject, cb=made._take, pending_msgs_limit=_MOST_UNREAD)
        made._listening = _NatsSubscription(subscription)
        return made

    async def end(self) -> None:
        """Take no more questions, and give those under way a moment: who asked tries again elsewhere."""
        if self._listening is not None:
            await self._listening.end()
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _take(self, question: Msg) -> None:
        task = asyncio.get_running_loop().create_task(self._respond(question))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _respond(self, question: Msg) -> None:
        try:
            await question.respond(await self._reply(question.data))
        except WrongVersion as error:
            self._troubles.note(str(error))
        except (NatsError, OSError) as error:
            log.warning("a question of another node could not be answered: %s", error)
        except Exception:
            log.exception("a question of another node could not be answered")


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
