"""What exchanges write: frames of their WebSockets and bodies of their REST, through the adapters."""

import json
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

from fuzz.case import Finding, Parser
from fuzz.mutate import of_bytes, of_json, of_lines
from support.asking import page
from support.exchanges import CASES
from support.exchanges.case import ExchangeCase
from support.recordings import ROOT, rows
from twap_server.domain.errors import ExchangeUnavailable, UnknownSymbol
from twap_server.domain.market.errors import FeedError, StreamGap, WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.order_book import OrderBook

BETWEEN = b"\x1e"
"""Stands between the frames of one input: no exchange sends it."""
_FRAMES = 6
"""Of one input, one after another."""
_AT_ONCE = 4
_MOST_QUESTIONS = 5


def parsers() -> list[Parser]:
    """Two of each exchange."""
    made = []
    for case in CASES:
        name = case.shape.name
        answers = [text.encode() for text in (*case.answers, *_recorded_answers(name))]
        made += [
            Parser(
                name=f"{name}-frames",
                samples=_runs(case),
                mutate=of_lines(of_json, BETWEEN),
                feed=partial(_follow, case),
            ),
            Parser(
                name=f"{name}-rest",
                samples=answers,
                mutate=of_json,
                feed=partial(_read_answer, case),
            ),
            Parser(
                name=f"{name}-bytes",
                samples=[text.encode() for text in case.frames],
                mutate=of_bytes,
                feed=partial(_follow, case),
            ),
        ]
    return made


def _follow(case: ExchangeCase, data: bytes) -> None:
    """Decode frames of one connection and keep books of what they say, as a session does."""
    exchange = case.taught()
    stream, books = exchange.new_stream(), {}
    for pair in case.pairs:
        books[pair] = (exchange.new_sequencer(case.instrument(*pair.split("-"))), OrderBook())
    for frame in data.split(BETWEEN):
        try:
            events = stream.decode(frame)
        except WireFormatError as error:
            str(error).encode()
            events = error.readable
        except StreamGap as error:
            str(error).encode()
            stream, events = exchange.new_stream(), ()
        for event in events:
            if isinstance(event, BookChange | BookSnapshot):
                _keep(event, *books[event.symbol])


def _keep(event: BookChange | BookSnapshot, sequencer: Any, book: OrderBook) -> None:
    try:
        if isinstance(event, BookSnapshot):
            sequencer.splice(event)
            book.replace(event)
        elif sequencer.admit(event):
            book.apply(event)
        sequencer.verify(event, book)
        book.truncate(1_000)
    except FeedError as error:
        str(error).encode()


def _read_answer(case: ExchangeCase, body: bytes) -> None:
    """As each of the answers that it might be, of as many as are asked for."""
    exchange = case.taught()
    instrument = case.instrument(*case.pairs[0].split("-"))
    for asking in (
        exchange.instruments(),
        exchange.statuses([instrument]),
        exchange.candles(instrument, page(next(iter(exchange.klines.native)))),
        exchange.snapshot(instrument),
    ):
        try:
            next(asking)
            for _ in range(_MOST_QUESTIONS):
                asking.send(body)
        except (StopIteration, WireFormatError, ExchangeUnavailable, UnknownSymbol) as end:
            str(end).encode(errors="backslashreplace")
    for status in (400, 418, 429, 451, 500):
        if exchange.refusal(status, body) is None:
            raise Finding(f"no refusal of {status}")


def _runs(case: ExchangeCase) -> list[bytes]:
    """Frames as they came, a few at a time: those of a recording, and those made up."""
    found = [text.encode() for text in case.frames]
    for path in case.found():
        found += [one for _, one in islice(case.received(path), 200) if len(one) < 8_000]
    return [BETWEEN.join(found[place : place + _FRAMES]) for place in range(0, len(found), _FRAMES)]


def _recorded_answers(name: str) -> Iterator[str]:
    for path in sorted((ROOT / name).glob("*rest*.jsonl.gz")):
        for row in islice(rows(path), 6):
            if row["conn"].startswith("http"):
                yield json.dumps(trimmed(json.loads(row["raw"])))


def trimmed(value: Any) -> Any:
    """The same with few of its many entries."""
    if isinstance(value, list):
        return [trimmed(one) for one in value[:_AT_ONCE]]
    if isinstance(value, dict):
        many = len(value) > 40
        return {key: trimmed(one) for key, one in islice(value.items(), _AT_ONCE if many else None)}
    return value
