"""cluster/questions.py: questions and answers of any size, each carried out once by who gets it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import Struct

from support.clocks import ALONE, LoopClock
from support.memory_messenger import Hub, MemoryMessenger
from twap_server.cluster import questions
from twap_server.cluster.coding import WrongVersion, encode
from twap_server.cluster.messenger import NoAnswer
from twap_server.cluster.questions import (
    MOST_PARTS,
    PART,
    AnswerPart,
    Answers,
    Further,
    NotHere,
    QuestionPart,
    UnknownQuestion,
    ask,
)

pytestmark = ALONE


class Node:
    """Answers with what it was asked, after a while."""

    def __init__(self, hub: Hub, group: asyncio.TaskGroup) -> None:
        self.messenger = hub.node()
        self.seconds = 0.0
        self.carried_out: list[bytes] = []
        self.is_here = True
        self.answers = Answers(self._work, clock=LoopClock(), group=group)

    async def begin(self) -> None:
        self.listening = await self.messenger.answer("s", self.answers.reply)

    async def _work(self, question: bytes) -> bytes:
        if not self.is_here:
            raise NotHere("gone")
        self.carried_out.append(question)
        await asyncio.sleep(self.seconds)
        return question[::-1]


@asynccontextmanager
async def node() -> AsyncIterator[tuple[Node, MemoryMessenger, Hub]]:
    hub = Hub()
    async with asyncio.TaskGroup() as group:
        made = Node(hub, group)
        await made.begin()
        yield made, hub.node(), hub


async def asked(asker: MemoryMessenger, body: bytes, question_id: str = "q") -> bytes:
    return await ask(asker, "s", question_id, body, on_sign=lambda: None)


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 5 * PART])
async def test_questions_and_answers_may_be_of_any_size(size: int) -> None:
    async with node() as (here, asker, _):
        body = bytes(number % 251 for number in range(size))
        assert await asked(asker, body) == body[::-1]
        assert here.carried_out == [body]


async def test_who_is_at_work_says_so_and_is_waited_for() -> None:
    async with node() as (here, asker, _):
        here.seconds, signs = 7.0, []
        clock = LoopClock()
        assert await ask(asker, "s", "q", b"ab", on_sign=lambda: signs.append(clock.now())) == b"ba"
        assert len(signs) > 10
        assert here.carried_out == [b"ab"]


async def test_asked_again_it_is_not_carried_out_again() -> None:
    async with node() as (here, asker, _):
        here.seconds = 2
        both = await asyncio.gather(asked(asker, b"ab"), asked(asker, b"ab"))
        assert both == [b"ba", b"ba"]
        await asyncio.sleep(3)
        assert await asked(asker, b"ab") == b"ba"
        assert here.carried_out == [b"ab"]
        await asked(asker, b"ab", "another")
        assert len(here.carried_out) == 2


async def test_answers_are_forgotten_after_a_while() -> None:
    async with node() as (here, asker, _):
        await asked(asker, b"ab")
        await asyncio.sleep(11)
        await asked(asker, b"cd", "another")
        await asked(asker, b"ab")
        assert here.carried_out == [b"ab", b"cd", b"ab"]


async def test_who_is_closed_begins_nothing_but_gives_what_is_under_way() -> None:
    async with node() as (here, asker, _):
        here.seconds = 2
        under_way = asyncio.ensure_future(asked(asker, b"ab"))
        await asyncio.sleep(0.1)
        here.answers.close()
        with pytest.raises(NotHere):
            await asked(asker, b"cd", "another")
        assert await under_way == b"ba"
        await here.answers.finish()


async def test_one_that_moved_is_not_remembered() -> None:
    async with node() as (here, asker, _):
        here.is_here = False
        with pytest.raises(NotHere):
            await asked(asker, b"ab")
        here.is_here = True
        assert await asked(asker, b"ab") == b"ba"


async def test_a_question_whose_parts_went_to_two_nodes_is_asked_from_the_beginning() -> None:
    async with node() as (here, asker, hub), asyncio.TaskGroup() as group:
        other = Node(hub, group)
        body, parts = b"x" * (2 * PART), asker.ask

        async def changing(subject: str, said: bytes, *, timeout: float) -> bytes:
            if hub.questions == 1:
                await here.listening.end()
                await other.begin()
            return await parts(subject, said, timeout=timeout)

        asker.ask = changing  # type: ignore[method-assign]
        with pytest.raises(NotHere):
            await asked(asker, body)
        assert await asked(asker, body) == body
        assert other.carried_out == [body] and not here.carried_out


async def test_parts_of_two_nodes_answers_are_not_put_together() -> None:
    async with node() as (here, asker, hub), asyncio.TaskGroup() as group:
        other = Node(hub, group)
        other.seconds = 0.2
        await other.begin()
        body, parts = b"x" * (2 * PART), asker.ask

        async def losing_the_first(subject: str, said: bytes, *, timeout: float) -> bytes:
            if hub.questions == 2:
                await here.listening.end()
            return await parts(subject, said, timeout=timeout)

        asker.ask = losing_the_first  # type: ignore[method-assign]
        with pytest.raises(NotHere, match="two parts of the server"):
            await asked(asker, body)
        assert here.carried_out == other.carried_out == [body]
        assert await asked(asker, body) == body


async def test_no_more_answers_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_MOST_KEPT", 3)
    async with node() as (here, asker, _):
        for question_id in "abc":
            await asked(asker, b"ab", question_id)
        await asked(asker, b"ab", "c")
        assert len(here.carried_out) == 3, "the newest is kept"
        await asked(asker, b"ab", "a")
        assert len(here.carried_out) == 4, "the oldest is forgotten"


async def test_silence_is_no_answer() -> None:
    hub = Hub()
    with pytest.raises(NoAnswer):
        await asked(hub.node(), b"ab")


@pytest.mark.parametrize(
    "said",
    [
        {"type": "QuestionPart", "id": "x", "part": 0, "parts": 50_000_000, "body": b""},
        {"type": "QuestionPart", "id": "x", "part": 0, "parts": 0, "body": b""},
        {"type": "QuestionPart", "id": "x", "part": -1, "parts": 2, "body": b""},
        {"type": "Further", "id": "x", "part": -1},
        {"type": "Further", "id": "x", "part": MOST_PARTS},
    ],
)
async def test_parts_that_nobody_asks_for_are_not_read(said: dict[str, Any]) -> None:
    async with node() as (here, _, _):
        with pytest.raises(WrongVersion):
            await here.answers.reply(encode(said))
        assert not here.answers._known


async def test_a_part_that_is_none_of_its_question_is_not_known() -> None:
    async with node() as (here, asker, _):

        async def reply(said: Struct) -> bytes:
            return await here.answers.reply(encode(said))

        unknown = encode(UnknownQuestion())
        assert await reply(QuestionPart("x", 2, 2, b"")) == unknown
        assert not here.answers._known
        await reply(QuestionPart("x", 0, 2, b"a"))
        assert await reply(QuestionPart("x", 1, 3, b"b")) == unknown
        await asked(asker, b"ab", "y")
        assert await reply(Further("y", 1)) == unknown


async def test_who_waits_no_more_is_forgotten() -> None:
    async with node() as (here, asker, _):
        here.seconds = 3
        waiting = [asyncio.ensure_future(asked(asker, b"ab")) for _ in range(3)]
        await asyncio.sleep(0.1)
        known = here.answers._known["q"]
        assert len(known.waiting) == 3
        replying = asyncio.ensure_future(here.answers.reply(encode(Further("q", 0))))
        await asyncio.sleep(0.1)
        replying.cancel()
        await asyncio.wait([replying])
        assert len(known.waiting) == 3
        await asyncio.gather(*waiting)


async def test_questions_whose_rest_does_not_come_are_not_kept_beyond_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(questions, "_MOST_KEPT", 10_000)
    async with node() as (here, asker, _):
        for number in range(100):
            await here.answers.reply(encode(QuestionPart(f"x{number}", 0, 2, bytes(1_000))))
        kept = [one for known in here.answers._known.values() for one in known.parts if one]
        assert sum(map(len, kept)) <= 12_000
        assert await asked(asker, b"ab") == b"ba"
        await asyncio.sleep(11)
        assert await asked(asker, b"ab", "another") == b"ba"
        assert here.answers._size == 2, "all but the newest answer is counted off"


async def test_what_is_too_long_for_a_question_or_an_answer_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(questions, "PART", 10)
    async with node() as (here, asker, hub):
        with pytest.raises(NoAnswer, match="1,281 bytes"):
            await asked(asker, bytes(10 * MOST_PARTS + 1))
        assert hub.questions == 0
        assert await asked(asker, bytes(10 * MOST_PARTS), "longest") == bytes(10 * MOST_PARTS)

        async def too_long(question: bytes) -> bytes:
            return bytes(10 * MOST_PARTS + 1)

        here.answers._work = too_long
        with pytest.raises(NotHere):
            await asked(asker, b"ab")
        assert "too long" in caplog.text


async def test_another_part_of_an_answer_than_was_asked_for_is_none() -> None:
    hub = Hub()

    async def reply(said: bytes) -> bytes:
        return encode(AnswerPart("somebody", 1, 2, b"x"))

    await hub.node().answer("s", reply)
    with pytest.raises(NotHere):
        await asked(hub.node(), b"ab")
