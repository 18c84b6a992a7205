"""replay/answers.py: each question gets its own answer, and a conversation comes to its end."""

import pytest

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
