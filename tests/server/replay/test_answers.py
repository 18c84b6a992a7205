"""replay/answers.py: each question gets its own answer, and a conversation comes to its end."""

import random

import httpx
import pytest

from twap_server.clock import VirtualClock
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import ExchangeUnavailable
from twap_server.exchanges.base import Asking, HttpRequest
from twap_server.replay.answers import RecordedRest

FIRST = "https://exchange/list?category=linear"


def pages() -> Asking[list[bytes]]:
    """Ask for pages until one names no next."""
    read: list[bytes] = []
    params = {"category": "linear"}
    while True:
        read.append((yield HttpRequest(path="/list", params=params)))
        if read[-1].endswith(b"."):
            return read
        params = {"category": "linear", "cursor": "second"}


def rest_of(*answers: tuple[str, bytes]) -> RecordedRest:
    rest = RecordedRest("")
    for line, (conn, body) in enumerate(answers, 1):
        rest.note(Nanos(0), body, line, conn)
    return rest


def test_a_later_page_is_not_taken_for_the_first() -> None:
    rest = rest_of((FIRST, b"one"), (f"{FIRST}&cursor=second", b"two."))
    assert rest.lead(pages()) == [b"one", b"two."]


@pytest.mark.parametrize("answers", [[], [(FIRST, b"one")]], ids=["none", "the first page alone"])
def test_what_was_not_answered_is_told(answers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(ExchangeUnavailable, match=r"the answer of /list category=linear .*is missing"):
        rest_of(*answers).lead(pages())


LIST = "https://exchange/list"
BOOK = "https://exchange/book?symbol=A&limit=10"


def playing(*, at: int = 0) -> tuple[RecordedRest, VirtualClock]:
    """An exchange's answers, and the clock of the replay."""
    rest = RecordedRest("")
    rest.clock = clock = VirtualClock(Nanos(at))
    rest.list_paths.add("/list")
    rest.book_paths.add("/book")
    return rest, clock


async def asked(rest: RecordedRest, url: str) -> bytes:
    return (await rest(httpx.Request("GET", url))).content


def held(rest: RecordedRest) -> int:
    """Bytes of all bodies."""
    return sum(len(one.body) for one in rest._known.values())


async def test_of_many_lists_the_first_and_the_newest_stay() -> None:
    rest, clock = playing()
    for second in range(1, 1_000):
        clock.moment = Nanos(second)
        rest.note(Nanos(second), b"%04d" % second, second, LIST)
        assert await asked(rest, LIST) == b"%04d" % second
    assert rest.known(HttpRequest(path="/list")) == b"0001"
    assert held(rest) <= 3 * 4


async def test_a_list_that_is_still_to_come_is_kept_until_it_has_come() -> None:
    rest, clock = playing(at=5)
    for second in range(1, 10):
        rest.note(Nanos(second), str(second).encode(), second, LIST)
    assert await asked(rest, LIST) == b"5"
    clock.moment = Nanos(7)
    assert await asked(rest, LIST) == b"7"


async def test_answers_are_the_same_as_if_nothing_were_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    urls = [f"{LIST}?kind={kind}&limit={limit}" for kind in "ab" for limit in (1, 2)] + [LIST]
    notes = [(Nanos(n // 2), str(n).encode(), n, rng.choice(urls)) for n in range(1, 300)]
    questions = [(rng.random() < 0.3, rng.choice([*urls, f"{LIST}?kind=c"])) for _ in notes]

    async def given() -> list[bytes]:
        rest, clock = playing()
        answers = []
        for note, (is_asked, url) in zip(notes, questions, strict=True):
            rest.note(*note)
            clock.moment = max(clock.moment, Nanos(note[0] - 20))  # messages are read ahead
            if is_asked:
                answers.append(await asked(rest, url))
        return answers

    forgetful = await given()
    monkeypatch.setattr(RecordedRest, "_forget_between", lambda *_: None)
    assert forgetful == await given() and len(set(forgetful)) > 20


async def test_a_book_is_forgotten_once_it_was_given() -> None:
    rest, _ = playing(at=9)
    rest.note(Nanos(1), b"first", 1, BOOK)
    rest.note(Nanos(2), b"second", 2, BOOK)
    assert await asked(rest, BOOK) == b"second"
    assert await asked(rest, BOOK) == b"first", "a book that nobody had may still be asked for"
    assert held(rest) == 0
    assert rest.known(HttpRequest(path="/book", params={"symbol": "A", "limit": "10"})) is not None


def test_a_beginning_that_is_read_twice_counts_once() -> None:
    rest, _ = playing()
    for line in (1, 2, 1, 2, 3):
        rest.note(Nanos(line), b"x", line, LIST)
    rest.note(Nanos(1), b"x", 1, LIST, recording=1)
    assert len(rest._known) == 4
