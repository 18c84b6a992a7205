"""What every exchange of the registry must do. What is an exchange's own stands in its case, no name here."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import examples
from support.asking import led, page
from support.exchanges import CASES
from support.exchanges.case import ExchangeCase
from support.exchanges.following import follow
from support.exchanges.measures import Frame, made_up, run_of
from twap_models.enums import Integrity, Interval
from twap_server.domain.market.candles import source_of
from twap_server.domain.market.errors import StreamGap, WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot, MarketEvent
from twap_server.exchanges.base import Start, Stream, WsRequest

_ENOUGH = 4_000
"""Frames of a recording, for tests that look at its beginning; one has a hundred thousand."""

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.shape.name)
recorded = pytest.mark.parametrize(
    ("case", "name"),
    [(case, name) for case in CASES for name in case.recordings],
    ids=lambda one: one.shape.name if isinstance(one, ExchangeCase) else Path(one).name,
)


def received(case: ExchangeCase) -> list[Frame]:
    """Of its first recording; made-up frames where it has none, on one connection."""
    if not case.recordings:
        return made_up(case)
    found = case.found()
    if not found:
        pytest.skip("no recordings: set TWAP_RECORDINGS to the folder that holds the recordings")
    return list(islice(case.received(found[0]), _ENOUGH))


def proving(case: ExchangeCase) -> list[Frame]:
    """Frames that have what proves a book."""
    return received(case) if case.shows_proof else made_up(case)


@recorded
def test_a_recording_gives_the_figures_that_were_verified(case: ExchangeCase, name: str) -> None:
    path = next((one for one in case.found() if one.name == Path(name).name), None)
    if path is None:
        pytest.skip(f"no recording {name}: set TWAP_RECORDINGS to the folder that holds the recordings")
    told = follow(case, case.received(path))
    assert case.recordings[name], f"say what comes out of it: {dict(told.figures)}"
    assert {key: told.figures[key] for key in case.recordings[name]} == dict(case.recordings[name])
    assert told.figures["unreadable"] == 0


@each
def test_no_value_loses_a_digit(case: ExchangeCase) -> None:
    stream, named = case.taught().new_stream(), re.compile(rb"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
    conn = received(case)[0][0]
    for _, raw in [one for one in received(case) if one[0] == conn][:2_000]:
        wire = {Decimal(text.decode()) for text in named.findall(raw)}
        for event in stream.decode(raw):
            if isinstance(event, BookChange | BookSnapshot):
                for price, quantity in (*event.bids, *event.asks):
                    assert {Decimal(price), Decimal(quantity)} <= wire | {Decimal(0)}


def book_frames(case: ExchangeCase, count: int) -> tuple[list[Frame], list[int]]:
    """Frames of one connection up to the ``count``-th about its first book, and where those stand."""
    frames, places = run_of(case, proving(case), count)
    assert len(places) > 5, "too few messages of one book to remove one"
    return frames, places


@each
def test_a_removed_message_is_noticed(case: ExchangeCase) -> None:
    frames, places = book_frames(case, 50)
    assert not follow(case, frames).faults
    less = follow(case, frames[: places[4]] + frames[places[4] + 1 :])
    assert bool(less.faults) == (case.shape.integrity not in (Integrity.NONE, Integrity.WHOLE))


@each
def test_a_message_out_of_order_is_noticed(case: ExchangeCase) -> None:
    frames, (*_, before, last) = book_frames(case, 6)
    frames[before], frames[last] = frames[last], frames[before]
    told = follow(case, frames)
    assert bool(told.faults) == (case.shape.integrity not in (Integrity.NONE, Integrity.WHOLE))


@each
def test_a_repeated_message_is_noticed_or_does_no_harm(case: ExchangeCase) -> None:
    frames, places = book_frames(case, 6)
    once, twice = follow(case, frames), follow(case, [*frames, frames[places[-1]]])
    for symbol, book in once.books.items():
        assert twice.faults or twice.books[symbol].book.top_text(50) == book.book.top_text(50)


@each
def test_books_have_a_proof_or_are_asked_for_anew(case: ExchangeCase) -> None:
    assert (case.shape.integrity is Integrity.NONE) == bool(case.shape.refresh_s)
    assert (case.shape.integrity is Integrity.WHOLE) == (case.shape.start is Start.WHOLE)
    assert not (case.shape.by_default and case.shape.integrity is Integrity.NONE)


GARBAGE = [
    b"",
    b"{",
    b"\x1f\x8b\x08\x00",
    b"\xff\xfe",
    b"<html>502</html>",
    b"NaN",
    b"null",
    b"1",
    b'"text"',
    b"{}",
    b"[" * 100_000,
]


@each
def test_garbage_is_a_wire_format_error(case: ExchangeCase) -> None:
    for raw in (*GARBAGE, *case.garbage):
        with pytest.raises(WireFormatError):
            case.taught().new_stream().decode(raw)


def mutated(raw: bytes) -> st.SearchStrategy[bytes]:
    return st.tuples(st.integers(0, max(0, len(raw) - 1)), st.binary(max_size=3)).map(
        lambda edit: raw[: edit[0]] + edit[1] + raw[edit[0] + 1 :]
    )


@each
@settings(max_examples=examples.of(300), deadline=None)
@given(data=st.data())
def test_no_bytes_do_more_than_that(case: ExchangeCase, data: st.DataObject) -> None:
    every = [*GARBAGE, *case.garbage, *(case.on_wire(frame) for frame in case.frames)]
    raw = data.draw(st.one_of(st.binary(max_size=60), st.sampled_from(every).flatmap(mutated)))
    try:
        case.taught().new_stream().decode(raw)
    except (WireFormatError, StreamGap) as error:
        assert str(error)


@cache
def changes(case: ExchangeCase) -> Sequence[tuple[list[bytes], bytes, list[MarketEvent]]]:
    """Messages about one book, each with what went before it where that matters, and what it says."""
    stream, past, found = case.taught().new_stream(), list[bytes](), []
    conn = received(case)[0][0]
    for raw in (raw for one, raw in received(case) if one == conn):
        events = stream.decode(raw)
        if len(events) == 1 and isinstance(events[0], BookChange | BookSnapshot) and len(raw) < 2_000:
            found.append((list(past) if case.needs_past else [], raw, list(events)))
        past.append(raw)
        if len(found) == 20 or len(past) == 500:
            break
    return found


@st.composite
def spoiled(draw: st.DrawFn, case: ExchangeCase) -> tuple[list[bytes], bytes, list[MarketEvent]]:
    past, raw, events = draw(st.sampled_from(changes(case)))
    name = case.named.search(raw)
    first, last = name.span(1) if name else (len(raw), len(raw))
    at = draw(st.integers(0, len(raw) - 1).filter(lambda one: not first - 2 < one <= last))
    gone = draw(st.sampled_from((0, 1, 2, len(raw))))
    return past, raw[:at] + draw(st.binary(max_size=3)) + raw[at + gone :], events


def stream_after(case: ExchangeCase, past: Sequence[bytes]) -> Stream:
    stream = case.taught().new_stream()
    for raw in past:
        stream.decode(raw)
    return stream


@each
@settings(max_examples=examples.of(300), deadline=None)
@given(data=st.data())
def test_a_change_spoiled_anywhere_is_read_or_names_its_book(case: ExchangeCase, data: st.DataObject) -> None:
    past, raw, (event,) = data.draw(spoiled(case))
    symbol: Any = event.symbol  # type: ignore[union-attr]
    try:
        events = stream_after(case, past).decode(raw)
    except WireFormatError as error:
        assert error.doubted is None or symbol in error.doubted
    except StreamGap:
        pass
    else:
        assert [(type(one), getattr(one, "symbol", "")) for one in events] == [(type(event), symbol)]


@each
def test_unknown_symbols_are_left_out(case: ExchangeCase) -> None:
    stream, conn = case.shape().new_stream(), received(case)[0][0]
    for _, raw in [one for one in received(case) if one[0] == conn][:200]:
        assert not any(isinstance(one, BookChange | BookSnapshot) for one in stream.decode(raw))


def asked(case: ExchangeCase) -> list[Sequence[WsRequest]]:
    stream, one = case.taught().new_stream(), case.instrument()
    return [stream.subscribe([one]), stream.unsubscribe([one]), stream.renew(one), stream.opening()]


@each
def test_requests_name_their_symbols_and_ids(case: ExchangeCase) -> None:
    *about_books, opening = asked(case)
    every = [request for requests in (*about_books, opening) for request in requests]
    assert len({request.request_id for request in every}) == len(every)
    for request in (request for requests in about_books for request in requests):
        assert request.symbols == (case.instrument().id.symbol,)
    subscribe, *_ = about_books
    assert any(request.is_book for request in subscribe)
    assert case.taught().new_stream().subscribe([]) == ()


@each
def test_a_book_can_be_had_anew(case: ExchangeCase) -> None:
    renews = bool(case.taught().new_stream().renew(case.instrument()))
    assert renews == (case.shape.start is not Start.FETCHED)


@each
def test_addresses_come_from_the_settings(case: ExchangeCase) -> None:
    shape = case.shape
    own, other = shape(), shape(ws_url="ws://127.0.0.1:1/x/", rest_url="http://127.0.0.1:1/y/")
    assert own.ws_url.startswith("wss://")
    assert own.rest_url.startswith("https://")
    assert other.ws_url.startswith("ws://127.0.0.1:1/x")
    assert other.rest_url == "http://127.0.0.1:1/y"


@each
def test_every_interval_can_be_had(case: ExchangeCase) -> None:
    native = case.shape.klines.native
    assert Interval.M1 in native
    assert Interval.D3 not in native
    assert all(source_of(one, native) in native for one in Interval)


@each
def test_a_page_of_candles_is_asked_for_on_the_grid(case: ExchangeCase) -> None:
    exchange = case.taught()
    rows = json.dumps(case.candle_body([case.candle])).encode()
    questions, listed = led(exchange.candles(case.instrument(), page(limit=1)), rows)
    assert len(questions) == 1 and len(listed.found) == 1
    assert listed.found[0].closed is False
