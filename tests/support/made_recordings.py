"""Recordings made of an exchange's own messages, as its case has them."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from support.asking import led, told
from support.exchanges.case import ExchangeCase
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Exchange, HttpRequest, Start
from twap_server.recordings.lines import Message, line_of
from twap_server.recordings.rows import ENDED, LOST, OPENED

BEGIN, SECONDS = Nanos(1_767_225_600 * SECOND), 4


def listed(case: ExchangeCase) -> Instrument:
    (one,) = told(case.shape().instruments(), *case.lists(case.entry)).found
    return one


def answer(shape: type[Exchange], question: HttpRequest, body: bytes) -> Message:
    query = "&".join(f"{name}={value}" for name, value in question.params.items())
    asked = f"#{question.body.decode()}" if question.body else ""
    return BEGIN, "in", f"{shape.default_rest_url}{question.path}?{query}{asked}", body


def lists(case: ExchangeCase) -> list[Message]:
    bodies = case.lists(case.entry)
    questions, _ = led(case.shape().instruments(), *bodies)
    return [answer(case.shape, asked, body) for asked, body in zip(questions, bodies, strict=True)]


def said(case: ExchangeCase) -> list[Message]:
    """What it says to a client that asks for a book, and a last message later."""
    shape, conn = case.shape, case.shape.default_ws_url
    stream = case.taught().new_stream()
    texts = list(case.greeting)
    for request in (*stream.opening(), *stream.subscribe([listed(case)])):
        texts += [*case.acks(request.text), *(case.opens if case.subscribes_book(request.text) else ())]
    every: list[Message] = [(BEGIN, "in", conn, case.on_wire(text)) for text in texts]
    if shape.start is Start.FETCHED and case.book_body is not None:
        asked = next(shape(depth=case.depth).snapshot(listed(case)))
        every.insert(0, answer(shape, asked, json.dumps(case.book_body([case.level])).encode()))
    return [*every, (Nanos(BEGIN + SECONDS * SECOND), "in", conn, case.on_wire(case.opens[-1]))]


def lossy(case: ExchangeCase, *, again: bool) -> list[Message]:
    """A book that is live; a loss a second later; then its last message, or all of its beginning again."""
    conn, (*every, last) = case.shape.default_ws_url, said(case)
    sockets = [one for one in every if one[2] == conn]
    answers = [one for one in every if one[2] != conn]
    later = sockets if again else [last]

    def at(seconds: int, messages: Sequence[Message]) -> list[Message]:
        return [(Nanos(BEGIN + seconds * SECOND), *one[1:]) for one in messages]

    return [
        *lists(case),
        *answers,
        (BEGIN, OPENED, conn, ""),
        *sockets,
        *at(1, [(BEGIN, LOST, conn, "12")]),
        *(at(2, [(BEGIN, ENDED, conn, ""), (BEGIN, OPENED, conn, "")]) if again else []),
        *(at(2, answers) if again else []),
        *at(3, later),
    ]


def written(path: Path, messages: Sequence[Message]) -> Path:
    path.write_bytes(gzip.compress(b"".join(map(line_of, messages))))
    return path
