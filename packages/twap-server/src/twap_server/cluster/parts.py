"""Send answers that are too large for one message of NATS (1 MB) in parts, asked for one after another."""

from collections import OrderedDict
from typing import Final, Protocol

from msgspec import Struct

from twap_server.cluster.coding import decode, encode
from twap_server.cluster.market_messages import AskPart, Question
from twap_server.cluster.messenger import Messenger, NoAnswer

_LARGEST: Final = 512 * 1024
_MOST_KEPT: Final = 64
"""Answers of which somebody may still ask for a part; who comes too late asks anew."""


class AnswerPart(Struct, array_like=True, gc=False):
    """A part of an answer: ``parts`` is 0 where the answer is not kept any more."""

    key: int
    parts: int
    body: bytes


class Parting:
    """Cuts answers into parts, and keeps those that have several until the last one was asked for."""

    def __init__(self, first_key: int) -> None:
        """Args: first_key: above every key of an earlier owner, so that no parts are mixed up."""
        self._key = first_key
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def begin(self, answer: bytes) -> bytes:
        """Give the first part."""
        self._key += 1
        if len(answer) > _LARGEST:
            self._kept[self._key] = answer
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return self._part(self._key, answer, 0)

    def go_on(self, asked: AskPart) -> bytes:
        """Give another part."""
        answer = self._kept.get(asked.key)
        if answer is None:
            return encode(AnswerPart(asked.key, 0, b""))
        if (asked.at + 1) * _LARGEST >= len(answer):
            del self._kept[asked.key]
        return self._part(asked.key, answer, asked.at)

    def _part(self, key: int, answer: bytes, at: int) -> bytes:
        parts = -(-len(answer) // _LARGEST)
        return encode(AnswerPart(key, parts, answer[at * _LARGEST : (at + 1) * _LARGEST]))


class Asking(Protocol):
    """Asks a question and puts the parts of its answer together."""

    async def __call__(self, question: Question, timeout: float = 2) -> bytes:
        """Ask.

        Raises:
            NoAnswer, WrongVersion.
        """
        ...


def asking(messenger: Messenger, subject: str) -> Asking:
    """Ask whoever answers on this subject."""

    async def ask(question: Question, timeout: float = 2) -> bytes:
        first = decode(await messenger.ask(subject, encode(question), timeout=timeout), AnswerPart)
        bodies = [first.body]
        for at in range(1, first.parts):
            asked = encode(AskPart(first.key, at))
            part = decode(await messenger.ask(subject, asked, timeout=timeout), AnswerPart)
            if part.key != first.key or part.parts != first.parts:
                raise NoAnswer("another part of the server began to answer and did not end: try again")
            bodies.append(part.body)
        return b"".join(bodies)

    return ask
