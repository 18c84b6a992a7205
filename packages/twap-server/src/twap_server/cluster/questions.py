"""Ask another node what may be long, and may take its time. Over NATS a message is at most 1 MB.

1. A question goes in parts. Each is confirmed; the last one begins the work.
2. While that is under way, every half second "at work" is the answer: who asks sees that somebody is there.
3. The answer comes in parts: the first by itself, each other one is asked for.

A question has an id. Asked again under it, it is not carried out again by the same node, which keeps its
answer for a while. Another node knows nothing of that: what a question does has to bear being done twice.
Where an owner and the one before it both answer, parts of the one are never put to parts of the other.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, TypeAlias
from uuid import uuid4

from msgspec import Meta, Struct

from twap_server.cluster.coding import decode, encode
from twap_server.cluster.messenger import Messenger, NoAnswer
from twap_server.domain.clock import SECOND, Clock

log = logging.getLogger(__name__)

PART: Final = 512 * 1024
"""Bytes of a part: with what is around it far below NATS's own bound of a message."""
_SILENCE_S: Final = 1.0
"""Longer nobody is waited for: a node that lives says at least that it is at work."""
_AT_WORK_S: Final = 0.4
_KEPT: Final = 10 * SECOND
"""So long an answer is kept for who did not get it, and a question whose parts do not come."""
_MOST_KEPT: Final = 64 * 1024 * 1024
"""Bytes of questions and answers; beyond that the oldest are forgotten sooner."""
MOST_PARTS: Final = 128
"""Of one question, or of one answer."""
_Part = Annotated[int, Meta(ge=0, lt=MOST_PARTS)]
_Parts = Annotated[int, Meta(ge=1, le=MOST_PARTS)]


class NotHere(NoAnswer):
    """Whoever was asked does not answer such questions any more, or lost a part of it: ask again."""


class QuestionPart(Struct, frozen=True, tag=True):
    """A part of a question."""

    id: str
    part: _Part
    parts: _Parts
    body: bytes


class Further(Struct, frozen=True, tag=True):
    """Asks for a part of the answer."""

    id: str
    part: _Part


class AtWork(Struct, frozen=True, tag=True):
    """The part is here; or the work is under way."""


class UnknownQuestion(Struct, frozen=True, tag=True):
    """Nothing is known here of that question, or its kind is not answered here any more."""


class AnswerPart(Struct, frozen=True, tag=True):
    """A part of the answer."""

    by: str
    """Who made it: of another one is another answer."""
    part: _Part
    parts: _Parts
    body: bytes


_Said: Any = QuestionPart | Further
_Replied: Any = AtWork | UnknownQuestion | AnswerPart
Work: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Gives the answer to a question, or raises ``NotHere``; nothing else."""


def new_question_id() -> str:
    """A fresh one."""
    return uuid4().hex


async def ask(
    messenger: Messenger,
    subject: str,
    question_id: str,
    body: bytes,
    *,
    on_sign: Callable[[], None] = lambda: None,
) -> bytes:
    """Ask, and wait for the whole answer, however long somebody is at work on it.

    Args:
        messenger: to the others.
        subject: who is asked.
        question_id: the same whenever the same is asked again.
        body: the question.
        on_sign: called each time somebody shows to be there.

    Raises:
        NoAnswer: nobody is there, or not any more, or it is too much to be asked. What was asked for may have
            been done.
        NotHere: who is there does not answer this.
    """

    async def said(message: Struct) -> AtWork | AnswerPart:
        replied = decode(await messenger.ask(subject, encode(message), timeout=_SILENCE_S), _Replied)
        if isinstance(replied, UnknownQuestion):
            raise NotHere("the part of the server that was asked has moved: ask again", retry_after=1)
        on_sign()
        found: AtWork | AnswerPart = replied
        return found

    parts = _question_in_parts(body)
    for number, part in enumerate(parts):
        replied = await said(QuestionPart(question_id, number, len(parts), part))
    answer: list[AnswerPart] = []
    while True:
        if isinstance(replied, AnswerPart):
            _add(answer, replied)
            if len(answer) == replied.parts:
                return b"".join(one.body for one in answer)
        replied = await said(Further(question_id, len(answer)))


def _add(answer: list[AnswerPart], more: AnswerPart) -> None:
    if answer and more.by != answer[0].by:
        raise NotHere("two parts of the server answered at once: ask again", retry_after=1)
    if more.part != len(answer):
        raise NotHere("another part of the answer came than was asked for: ask again", retry_after=1)
    answer.append(more)


class _Question:
    """One that came, or comes."""

    def __init__(self, parts: int) -> None:
        self.parts: list[bytes | None] = [None] * parts
        self.answer: Sequence[bytes] | None = None
        self.is_begun = self.is_done = False
        self.waiting: set[asyncio.Event] = set()
        """Of those who wait until it is done."""
        self.since = 0
        self.weight = 0
        """Bytes of it, as ``Answers`` counts them."""

    @property
    def is_whole(self) -> bool:
        return None not in self.parts

    def end(self) -> None:
        """It is done: whoever waits goes on."""
        self.parts, self.is_done = [b""], True
        for one in self.waiting:
            one.set()

    async def wait(self, clock: Clock, seconds: float) -> None:
        """Wait until it is done, for at most so long."""
        if self.is_done:
            return
        signal = asyncio.Event()
        self.waiting.add(signal)
        try:
            await clock.wait(signal, seconds)
        finally:
            self.waiting.discard(signal)

    @property
    def size(self) -> int:
        return sum(map(len, filter(None, self.parts))) + sum(map(len, self.answer or ()))


class Answers:
    """Carries questions out, each once, and gives their answers."""

    def __init__(self, work: Work, *, clock: Clock, group: asyncio.TaskGroup) -> None:
        """Args: work: carries a question out; group: runs it, beside the others."""
        self._work, self._clock, self._group = work, clock, group
        self._name = new_question_id()
        self._known: dict[str, _Question] = {}
        self._idle: OrderedDict[str, None] = OrderedDict()
        """Those that are not under way: whose parts come, and who have their answer; the oldest first."""
        self._size = 0
        self._is_closed = False

    def close(self) -> None:
        """Begin nothing more: who asks is told to ask elsewhere."""
        self._is_closed = True

    async def finish(self) -> None:
        """Wait until what is under way has its answer."""
        for one in list(self._known.values()):
            while one.is_begun and not one.is_done:
                await one.wait(self._clock, _AT_WORK_S)

    async def reply(self, said: bytes) -> bytes:
        """Reply to one message; see ``Messenger.answer``."""
        message = decode(said, _Said)
        if isinstance(message, Further):
            return encode(await self._further(message))
        return encode(await self._take(message))

    async def _take(self, message: QuestionPart) -> Struct:
        known = self._known.get(message.id)
        if message.part >= message.parts:
            return UnknownQuestion()
        if known is None:
            if self._is_closed:
                return UnknownQuestion()
            self._forget_old()
            known = self._known[message.id] = _Question(message.parts)
            self._rest(message.id, known)
        if not known.is_begun:
            if message.parts != len(known.parts):
                return UnknownQuestion()
            known.parts[message.part] = message.body
            self._weigh(known)
            if not known.is_whole:
                return AtWork()
            known.is_begun = True
            del self._idle[message.id]
            self._group.create_task(self._carry_out(message.id, known), name="a question of another node")
        return await self._part(known, 0)

    async def _further(self, message: Further) -> Struct:
        known = self._known.get(message.id)
        if known is None or not known.is_begun:
            return UnknownQuestion()
        return await self._part(known, message.part)

    async def _part(self, known: _Question, part: int) -> Struct:
        await known.wait(self._clock, _AT_WORK_S)
        if not known.is_done:
            return AtWork()
        if known.answer is None or part >= len(known.answer):
            return UnknownQuestion()
        return AnswerPart(self._name, part, len(known.answer), known.answer[part])

    async def _carry_out(self, question_id: str, known: _Question) -> None:
        try:
            known.answer = _answer_in_parts(await self._work(b"".join(part or b"" for part in known.parts)))
            self._rest(question_id, known)
        except NotHere:
            del self._known[question_id]
        finally:
            known.end()
            self._weigh(known)
            if question_id not in self._known:
                self._size -= known.weight

    def _weigh(self, known: _Question) -> None:
        self._size += known.size - known.weight
        known.weight = known.size

    def _rest(self, question_id: str, known: _Question) -> None:
        known.since = self._clock.monotonic()
        self._idle[question_id] = None

    def _forget_old(self) -> None:
        oldest = self._clock.monotonic() - _KEPT
        while self._idle:
            question_id = next(iter(self._idle))
            if self._known[question_id].since >= oldest and self._size <= _MOST_KEPT:
                return
            del self._idle[question_id]
            self._size -= self._known.pop(question_id).weight


def _parts(body: bytes) -> list[bytes]:
    return [body[first : first + PART] for first in range(0, len(body), PART)] or [b""]


def _question_in_parts(body: bytes) -> list[bytes]:
    parts = _parts(body)
    if len(parts) > MOST_PARTS:
        raise NoAnswer(f"no other part of the server takes {len(body):,} bytes", retry_after=60)
    return parts


def _answer_in_parts(body: bytes) -> list[bytes]:
    parts = _parts(body)
    if len(parts) > MOST_PARTS:
        log.error("an answer of %d bytes is too long for another node", len(body))
        raise NotHere("the answer is too long", retry_after=60)
    return parts
