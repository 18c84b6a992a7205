"""Messages between nodes of one event loop: in order, lost on demand. For virtual time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from twap_server.cluster.coding import WrongVersion
from twap_server.cluster.messenger import NoAnswer, Reply, Take


class Hub:
    """What all nodes are connected to."""

    def __init__(self) -> None:
        self.listening: list[MemoryListening] = []
        self.is_up = True
        self.loses: Callable[[str], bool] = lambda subject: False
        """Which of what is told is lost, by its subject."""
        self.told: list[tuple[str, bytes]] = []
        self.questions = 0
        """That were asked, parts counted."""
        self.most = 1_000_000
        """Bytes of a message; NATS has 1 MiB."""

    def node(self) -> "MemoryMessenger":
        return MemoryMessenger(self)

    def asked(self, subject: str) -> "list[MemoryListening]":
        return [one for one in self.listening if one.reply is not None and one.subject == subject]


class MemoryListening:
    """Of one node."""

    def __init__(
        self, node: "MemoryMessenger", subject: str, take: Take | None = None, reply: Reply | None = None
    ) -> None:
        self.node, self.subject, self.take, self.reply = node, subject, take, reply
        self.under_way: set[asyncio.Task[bytes]] = set()
        node.hub.listening.append(self)

    async def end(self) -> None:
        if self in self.node.hub.listening:
            self.node.hub.listening.remove(self)
        for task in self.under_way:
            task.cancel()


def _given(take: Take, body: bytes) -> None:
    with suppress(WrongVersion):
        take(body)


class MemoryMessenger:
    """One node's."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.is_dead = False
        self._on_return: list[Callable[[], None]] = []

    @property
    def is_connected(self) -> bool:
        return self.hub.is_up and not self.is_dead

    def die(self) -> None:
        """Say nothing more, and hear nothing: whoever asked it gets no answer."""
        self.is_dead = True
        self.hub.listening = [one for one in self.hub.listening if one.node is not self]

    def come_back(self) -> None:
        """The connection is there again."""
        self.hub.is_up = True
        for callback in self._on_return:
            callback()

    def publish(self, subject: str, body: bytes) -> None:
        if not self.is_connected or self.hub.loses(subject) or len(body) > self.hub.most:
            return
        self.hub.told.append((subject, body))
        for one in self.hub.listening:
            if one.take is not None and subject == one.subject:
                asyncio.get_running_loop().call_soon(_given, one.take, body)

    async def listen(self, subject: str, take: Take) -> MemoryListening:
        return MemoryListening(self, subject, take=take)

    async def answer(self, subject: str, reply: Reply) -> MemoryListening:
        return MemoryListening(self, subject, reply=reply)

    async def ask(self, subject: str, body: bytes, *, timeout: float) -> bytes:
        assert len(body) <= self.hub.most, "larger than NATS takes"
        self.hub.questions += 1
        asked = self.hub.asked(subject)
        if not self.is_connected or not asked:
            raise NoAnswer("nobody is there", retry_after=1)
        tasks = [(one, asyncio.ensure_future(one.reply(body))) for one in asked if one.reply is not None]
        for one, task in tasks:
            one.under_way.add(task)
            task.add_done_callback(one.under_way.discard)
        waiting = {task for _, task in tasks}
        by_task = {task: one for one, task in tasks}
        deadline = asyncio.get_running_loop().time() + timeout
        while waiting:
            left = deadline - asyncio.get_running_loop().time()
            done, waiting = await asyncio.wait(
                waiting, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                break
            for task in done:
                if not task.cancelled() and task.exception() is None and not by_task[task].node.is_dead:
                    answer: bytes = task.result()
                    assert len(answer) <= self.hub.most, "larger than NATS takes"
                    return answer
        left = deadline - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, left))
        raise NoAnswer("no answer came", retry_after=1)

    def on_return(self, callback: Callable[[], None]) -> None:
        self._on_return.append(callback)
