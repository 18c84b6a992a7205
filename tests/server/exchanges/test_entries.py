"""Lists are read entry by entry: a bad one is named and costs no other; a book is read whole or not."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from support.asking import page, told
from support.exchanges import CASES
from support.exchanges.case import GONE, ExchangeCase
from twap_server.domain.errors import TwapError
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import Candle
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.market.symbols import kind_of

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.shape.name)


def read(case: ExchangeCase, *entries: Any) -> Entries[Instrument]:
    return told(case.shape().instruments(), *case.lists(*entries))


@pytest.mark.parametrize(
    ("case", "change"),
    [
        pytest.param(case, change, id=f"{case.shape.name}-{place}")
        for case in CASES
        for place, change in enumerate(case.bad_entries)
    ],
)
def test_a_bad_entry_is_named_and_costs_no_other(case: ExchangeCase, change: Mapping[str, Any]) -> None:
    bad = {key: one for key, one in {**case.entry, **change}.items() if one is not GONE}
    listed = read(case, bad, case.entry)
    assert listed.left_out == (case.entry_name,)
    (one,) = listed.found
    assert (one.base, one.kind, kind_of(one.id.symbol)) == ("BTC", case.kind, case.kind)


@each
@pytest.mark.parametrize("bad", [None, 5, [], "text", {}])
def test_an_entry_that_is_no_entry_is_named_by_its_place(case: ExchangeCase, bad: Any) -> None:
    listed = read(case, case.entry, bad, case.entry)
    assert listed.left_out == (case.place_name.format(1),)
    assert len(listed.found) == 2


@pytest.mark.parametrize(
    ("case", "change", "status"),
    [
        pytest.param(case, *new, id=f"{case.shape.name}-{place}")
        for case in CASES
        for place, new in enumerate(case.new_entries)
    ],
)
def test_what_is_new_is_no_error(case: ExchangeCase, change: Mapping[str, Any], status: str) -> None:
    listed = read(case, {**case.entry, **change})
    (plain,), (one,) = read(case, case.entry).found, listed.found
    assert (listed.left_out, one.status) == ((), status)
    assert (one.id, one.tick_size, one.lot_size) == (plain.id, plain.tick_size, plain.lot_size)


@each
def test_an_instrument_has_what_orders_need(case: ExchangeCase) -> None:
    (one,) = read(case, case.entry).found
    assert (one.id.exchange, one.status, one.fault) == (case.shape.name, "trading", "")


def candles(case: ExchangeCase, *rows: Any) -> Entries[Candle]:
    body = json.dumps(case.candle_body(list(rows))).encode()
    return told(case.taught().candles(case.instrument(), page()), body)


@each
@pytest.mark.parametrize("bad", [None, {}, [], "row", 0, 1, 2, 3, 4, 5])
def test_a_candle_that_cannot_be_read_is_left_out_and_named(case: ExchangeCase, bad: Any) -> None:
    good, row = case.candle, bad
    if isinstance(bad, int):
        row = [*good[:bad], None, *good[bad + 1 :]]
    listed = candles(case, good, row, good)
    assert len(listed.found) == 2
    assert (listed.found[0].open, listed.found[0].high, listed.found[0].low) == (1, 3, Decimal("0.5"))
    assert (listed.found[0].close, listed.found[0].volume) == (2, 7)
    assert len(listed.left_out) == 1
    assert listed.left_out[0].startswith("row 1")


@each
def test_a_row_may_grow(case: ExchangeCase) -> None:
    listed = candles(case, [*case.candle, "new", None, {}])
    assert (listed.found, listed.left_out) == (candles(case, case.candle).found, ())


@each
@pytest.mark.parametrize(
    "bad", [None, {}, [], ["1"], ["1", None, 3], [1, "2", 3], ["x", "2", 3], ["1", "-2", 3]]
)
def test_a_snapshot_with_one_bad_level_is_none(case: ExchangeCase, bad: Any) -> None:
    if case.book_body is None:
        pytest.skip("its book over REST is of another kind: see its own tests")
    exchange, instrument, good = case.taught(), case.instrument(), case.level
    level = bad[: len(good)] if isinstance(bad, list) else bad
    body = json.dumps(case.book_body([good, level])).encode()
    with pytest.raises(WireFormatError):
        OrderBook().replace(told(exchange.snapshot(instrument), body))
    OrderBook().replace(told(exchange.snapshot(instrument), json.dumps(case.book_body([good])).encode()))


@each
@pytest.mark.parametrize("body", [b"null", b'"list"', b"5", b'{"symbols":null}', b"", b"<html>"])
def test_the_whole_body_of_another_shape_is_refused(case: ExchangeCase, body: bytes) -> None:
    with pytest.raises(TwapError):
        told(case.shape().instruments(), body)
