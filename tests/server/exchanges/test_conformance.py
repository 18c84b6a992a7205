"""What every exchange of the registry must do."""

import re
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.instruments import instrument
from support.recordings import ROOT, rows
from twap_models.enums import Integrity, Interval
from twap_server.domain.market.errors import ChecksumMismatch, FeedError, SequenceGap, WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.order_book import OrderBook
from twap_server.exchanges.registry import EXCHANGES

STREAMS = {"binance": "spot-*.jsonl.gz", "kraken": "v2-*.jsonl.gz", "coinbase": "exchange-6-*.jsonl.gz"}

each = pytest.mark.parametrize("shape", EXCHANGES, ids=lambda shape: shape.name)


def taught(shape):
    exchange = shape()
    pairs = [("BTC", "USDT"), ("BTC", "USD"), ("NKN", "USDT"), ("BLZ", "ETH"), ("SKL", "USD"), ("NMR", "EUR")]
    exchange.learn([instrument(shape.name, *pair) for pair in pairs])
    return exchange


def recorded(shape):
    found = sorted((ROOT / shape.name).glob(STREAMS[shape.name]))
    if not found:
        pytest.skip("no recordings: set TWAP_RECORDINGS to the folder that holds the recordings")
    for path in found:
        for row in rows(path):
            if row["dir"] == "in" and row["conn"].startswith("ws"):
                yield row["raw"]


@each
def test_every_recorded_message_decodes(shape):
    exchange, events = taught(shape), 0
    for raw in recorded(shape):
        events += len(exchange.decode(raw.encode()))
    assert events > 100


@each
def test_no_value_loses_a_digit(shape):
    exchange = taught(shape)
    for number, raw in enumerate(recorded(shape)):
        if number > 2_000:
            return
        wire = {Decimal(text) for text in re.findall(r"\d+\.\d+", raw)}
        for event in exchange.decode(raw):
            if isinstance(event, BookChange | BookSnapshot):
                for price, quantity in (*event.bids, *event.asks):
                    assert {Decimal(price), Decimal(quantity)} <= wire | {Decimal(0)}


def books(shape, count):
    """The first book events of the recordings; a made-up snapshot where it comes from REST."""
    exchange, found = taught(shape), []
    for raw in recorded(shape):
        found += [one for one in exchange.decode(raw) if isinstance(one, BookChange | BookSnapshot)]
        found = [one for one in found if one.symbol == found[0].symbol]
        if len(found) >= count:
            break
    if exchange.needs_rest_snapshot:
        before = found[0].first_id - 1
        found.insert(0, BookSnapshot(symbol=found[0].symbol, bids=[], asks=[], last_id=before))
    return found


def follow(shape, events):
    sequencer, book = taught(shape).new_sequencer(instrument(shape.name)), OrderBook()
    for event in events:
        if isinstance(event, BookSnapshot):
            sequencer.splice(event)
            book.replace(event)
        elif sequencer.admit(event):
            book.apply(event)
            book.truncate(10)
        sequencer.verify(event, book)


@each
def test_a_removed_message_is_noticed(shape):
    follow(shape, books(shape, 50))
    events = books(shape, 50)
    less = events[:4] + events[5:]
    if shape.integrity is Integrity.NONE:
        follow(shape, less)
    else:
        with pytest.raises((SequenceGap, ChecksumMismatch)):
            follow(shape, less)


@each
def test_books_have_a_proof_or_are_asked_for_anew(shape):
    assert (shape.integrity is Integrity.NONE) == bool(shape.refresh_s)


GARBAGE = [
    b"",
    b"{",
    b"\x1f\x8b\x08\x00",
    b"\xff\xfe",
    b"<html>502</html>",
    b"NaN",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"{}",
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT"',
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":NaN}}',
    b'{"channel":"book","type":"update","data":[{"symbol":NaN,"bids":"none"}]',
    b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1","1"]],"time":"now"}',
    b"[" * 100_000,
]


@each
@pytest.mark.parametrize("raw", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_a_wire_format_error(shape, raw):
    with pytest.raises(WireFormatError):
        taught(shape).decode(raw)


@each
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_bytes_do_more_than_that(shape, data):
    exchange = taught(shape)
    raw = data.draw(st.one_of(st.binary(max_size=60), st.sampled_from(GARBAGE).flatmap(mutated)))
    try:
        exchange.decode(raw)
    except FeedError as error:
        assert isinstance(error, WireFormatError)


def mutated(raw):
    return st.tuples(st.integers(0, max(0, len(raw) - 1)), st.binary(max_size=3)).map(
        lambda edit: raw[: edit[0]] + edit[1] + raw[edit[0] + 1 :]
    )


NAMED = re.compile(rb'"(?:s|symbol|product_id)": ?"([^"]+)"')
"""What names the book of a change: spoiled into another name, nobody could tell."""


@cache
def changes(shape):
    """Recorded messages that change one book, each with the book's symbol."""
    exchange, found = taught(shape), []
    for raw in recorded(shape):
        events = exchange.decode(raw)
        if len(events) == 1 and isinstance(events[0], BookChange) and len(raw) < 1_500:
            found.append((raw.encode(), events[0].symbol))
        if len(found) == 20:
            return found
    return found


@st.composite
def spoiled(draw, shape):
    raw, symbol = draw(st.sampled_from(changes(shape)))
    first, last = NAMED.search(raw).span(1)
    at = draw(st.integers(0, len(raw) - 1).filter(lambda one: not first - 2 < one <= last))
    gone = draw(st.sampled_from((0, 1, 2, len(raw))))
    return raw[:at] + draw(st.binary(max_size=3)) + raw[at + gone :], symbol


@each
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_change_spoiled_anywhere_is_read_or_names_its_book(shape, data):
    raw, symbol = data.draw(spoiled(shape))
    try:
        events = taught(shape).decode(raw)
    except WireFormatError as error:
        assert error.doubted is None or symbol in error.doubted
    else:
        assert [(type(one), getattr(one, "symbol", "")) for one in events] == [(BookChange, symbol)]


@each
def test_unknown_symbols_are_left_out(shape):
    exchange = shape()
    for number, raw in enumerate(recorded(shape)):
        assert not any(isinstance(one, BookChange | BookSnapshot) for one in exchange.decode(raw))
        if number > 200:
            break


@each
def test_requests_name_their_symbols_and_ids(shape):
    exchange, one = shape(), instrument(shape.name)
    for requests in (
        exchange.subscribe([one], first_id=5),
        exchange.unsubscribe([one], first_id=5),
        exchange.resubscribe(one, first_id=5),
    ):
        assert len(requests) <= 2
        assert [request.request_id for request in requests] == list(range(5, 5 + len(requests)))
        assert all(request.symbols == ("BTC-USDT",) for request in requests)
    assert exchange.subscribe([], first_id=1) == ()


@each
def test_addresses_come_from_the_settings(shape):
    own, other = shape(), shape(ws_url="ws://127.0.0.1:1/x/", rest_url="http://127.0.0.1:1/y/")
    assert own.ws_url.startswith("wss://")
    assert own.rest_url.startswith("https://")
    assert other.ws_url.startswith("ws://127.0.0.1:1/x/")
    assert other.rest_url == "http://127.0.0.1:1/y"


@each
def test_every_interval_can_be_had(shape):
    native = shape.klines.native
    assert Interval.D1 in native
    assert Interval.M1 in native
    assert Interval.D3 not in native
