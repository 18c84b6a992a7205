"""A ``Messenger`` in memory for many nodes in one event loop: the same each time, and as unreliable as told.

As NATS: at most once, in order for each sender and subject, nothing is kept, and whoever cannot be reached
loses what is told meanwhile. Nothing is delivered within ``publish``. Chance comes from a seed alone. What is
delivered runs in the context of who listens, so that a simulation sees whose work it is.
"""

import asyncio
import logging
import random
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from twap_server.cluster.coding import WrongVersion
from twap_server.cluster.messenger import MessageSubscription, Messenger, NoAnswer, Reply, Take

log = logging.getLogger(__name__)
_Deliver = Callable[[bytes], None]


class MessengerNetwork:
    """What lies between nodes."""

    def __init__(self, seed: int = 0, *, loss: float = 0, delay_s: float = 0) -> None:
        """Build it.

        Args:
            seed: of all chance.
            loss: share of messages that are lost, each for each of its readers; may be changed at any time.
            delay_s: a message takes up to so long; may be changed at any time.
        """
        self.loss, self.delay_s = loss, delay_s
        self.refused = ""
        """A subject on which nobody answers now."""
        self.largest = 0
        """Bytes of the largest message so far."""
        self.lost = 0
        """Messages that were dropped by chance."""
        self._rng = random.Random(seed)
        self._nodes: dict[str, MemoryMessenger] = {}
        self._lanes: dict[tuple[object, ...], _Lane] = {}

    def node(self, name: str) -> "MemoryMessenger":
        """A new node's way to the others."""
        assert name not in self._nodes, f"{name} is there already"
        self._nodes[name] = MemoryMessenger(self, name)
        return self._nodes[name]

    def forget(self, name: str) -> None:
        """Take a node away, as when its process is killed; a new one may have its name."""
        self._nodes.pop(name).vanish()

    def tell(self, sender: str, subject: str, body: bytes) -> None:
        """Bring a message to each node that listens."""
        for node in list(self._nodes.values()):
            for listener in node.listeners(subject):
                lane = (sender, subject, node.name, listener)
                self.carry(lane, node, body, listener.hear, listener.context)

    def ask(self, sender: "MemoryMessenger", subject: str, body: bytes, answered: _Deliver) -> bool:
        """Bring a question to whoever answers, and the first answer back; False where nobody does."""
        asker = copy_context()
        nodes = [] if subject == self.refused else list(self._nodes.values())
        found = [(node, one) for node in nodes for one in node.answerers(subject)]
        for node, answerer in found:

            def back(answer: bytes, node: MemoryMessenger = node) -> None:
                if node.is_connected:
                    self.carry((node.name, "answer", sender.name), sender, answer, answered, asker)

            def hear(question: bytes, answerer: _Answerer = answerer, back: _Deliver = back) -> None:
                answerer.hear(question, back)

            self.carry((sender.name, subject, node.name), node, body, hear, answerer.context)
        return bool(found)

    def carry(
        self,
        lane: tuple[object, ...],
        node: "MemoryMessenger",
        body: bytes,
        deliver: _Deliver,
        context: Context,
    ) -> None:
        """Bring one message to a node, after those that are on the same lane, or lose it."""
        self.largest = max(self.largest, len(body))
        if self._rng.random() < self.loss:
            self.lost += 1
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + self._rng.random() * self.delay_s
        self._lanes.setdefault(lane, _Lane()).add(loop, due, _Message(node, body, deliver, context))


class _Message:
    """On its way to a node; lost when that loses its connection meanwhile."""

    def __init__(self, node: "MemoryMessenger", body: bytes, deliver: _Deliver, context: Context) -> None:
        self.context = context
        self._node, self._life, self._body, self._deliver = node, node.life, body, deliver

    def arrive(self) -> None:
        if self._node.is_connected and self._node.life == self._life:
            self._deliver(self._body)


@dataclass(slots=True)
class _Lane:
    """Messages of one sender, on one subject, to one reader: each timer takes the first of them."""

    waiting: deque[_Message] = field(default_factory=deque)
    due: float = 0

    def add(self, loop: asyncio.AbstractEventLoop, due: float, message: _Message) -> None:
        self.due = max(self.due, due)
        self.waiting.append(message)
        if self.due > loop.time():
            loop.call_at(self.due, self._deliver, context=message.context)
        else:
            loop.call_soon(self._deliver, context=message.context)

    def _deliver(self) -> None:
        self.waiting.popleft().arrive()


class MemoryMessenger(Messenger):
    """One node's way to the others; ``cut`` and ``mend`` are its connection."""

    def __init__(self, network: MessengerNetwork, name: str) -> None:
        self.name = name
        self.life = 0
        """Rises with each loss of the connection: what was on its way then does not arrive."""
        self._network = network
        self._is_connected = True
        self._listeners: dict[str, list[_Listener]] = defaultdict(list)
        self._answerers: dict[str, list[_Answerer]] = defaultdict(list)
        self._on_return: list[tuple[Callable[[], None], Context]] = []

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    def cut(self) -> None:
        """Lose the connection."""
        self._is_connected = False
        self.life += 1

    def mend(self) -> None:
        """Have it back."""
        self._is_connected = True
        for callback, context in self._on_return:
            context.run(callback)

    def vanish(self) -> None:
        """Lose the connection for good, and everything with it."""
        self.cut()
        self._listeners.clear()
        for answerers in self._answerers.values():
            for one in answerers:
                one.stop()
        self._answerers.clear()

    def publish(self, subject: str, body: bytes) -> None:
        if self._is_connected:
            self._network.tell(self.name, subject, body)

    async def listen(self, subject: str, take: Take) -> MessageSubscription:
        listener = _Listener(take, self._listeners[subject])
        self._listeners[subject].append(listener)
        return listener

    async def answer(self, subject: str, reply: Reply) -> MessageSubscription:
        answerer = _Answerer(reply, self._answerers[subject])
        self._answerers[subject].append(answerer)
        return answerer

    async def ask(self, subject: str, body: bytes, *, timeout: float) -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def answered(body: bytes) -> None:
            if not answer.done():
                answer.set_result(body)

        if not self._is_connected or not self._network.ask(self, subject, body, answered):
            await asyncio.sleep(0)
            raise NoAnswer("nobody is there to answer", retry_after=1)
        try:
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            raise NoAnswer("another part of the server does not answer", retry_after=1) from None

    def on_return(self, callback: Callable[[], None]) -> None:
        self._on_return.append((callback, copy_context()))

    def listeners(self, subject: str) -> "list[_Listener]":
        """Those of this node that hear this subject."""
        return list(self._listeners.get(subject, ()))

    def answerers(self, subject: str) -> "list[_Answerer]":
        """Those of this node that answer on this subject, while it can be reached."""
        return list(self._answerers.get(subject, ())) if self._is_connected else []


class _Listener:
    def __init__(self, take: Take, among: "list[_Listener]") -> None:
        self.context = copy_context()
        self._take, self._among = take, among

    def hear(self, body: bytes) -> None:
        if self in self._among:
            with suppress(WrongVersion):
                self._take(body)

    async def end(self) -> None:
        if self in self._among:
            self._among.remove(self)


class _Answerer:
    def __init__(self, reply: Reply, among: "list[_Answerer]") -> None:
        self.context = copy_context()
        self._reply, self._among = reply, among
        self._under_way: set[asyncio.Task[None]] = set()

    def hear(self, question: bytes, answered: _Deliver) -> None:
        if self in self._among:
            task = asyncio.get_running_loop().create_task(self._respond(question, answered))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def end(self) -> None:
        if self in self._among:
            self._among.remove(self)
        self.stop()
        if self._under_way:
            await asyncio.wait(self._under_way)

    def stop(self) -> None:
        for task in self._under_way:
            task.cancel()

    async def _respond(self, question: bytes, answered: _Deliver) -> None:
        try:
            answered(await self._reply(question))
        except WrongVersion as error:
            log.warning("a question of another node could not be answered: %s", error)
        except Exception:
            log.exception("a question of another node could not be answered")
