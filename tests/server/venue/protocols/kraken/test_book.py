"""Kraken's view of a book: what a client of a depth is told is enough for it, and no more."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import examples
from support.venue.wire_client import KrakenBook
from twap_server.venue import text
from twap_server.venue.instruments import find
from twap_server.venue.protocols.kraken.book import View, checksum
from twap_server.venue.source import BookEvent, Pair

LEVELS = st.tuples(st.integers(0, 39), st.integers(0, 3))
CHANGES = st.lists(st.tuples(st.lists(LEVELS, max_size=4), st.lists(LEVELS, max_size=4)), max_size=40)


def event(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> BookEvent:
    return BookEvent(
        venue="kraken",
        symbol="BTC/USD",
        time=10**18,
        bids=tuple((1_000 - price, qty * 10**7) for price, qty in bids),
        asks=tuple((1_001 + price, qty * 10**7) for price, qty in asks),
    )


@settings(max_examples=examples.of(150), deadline=None)
@given(CHANGES, CHANGES, st.sampled_from([10, 25]))
def test_a_client_that_truncates_always_has_the_top_of_the_book(
    before: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
    after: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
    depth: int,
) -> None:
    pair = Pair(spec=find("kraken", "BTC/USD"))
    for bids, asks in before:
        made = event(bids, asks)
        pair.book.apply(made.bids, made.asks)
    view, client = View(pair, depth), KrakenBook(depth)
    client.apply(view.snapshot(10**18))
    for bids, asks in after:
        made = event(bids, asks)
        pair.book.apply(made.bids, made.asks)
        frame = view.update(made)
        if frame is not None:
            client.apply(frame)
        for side, truth in ((client.bids, pair.book.bids), (client.asks, pair.book.asks)):
            assert [(int(p * 10), int(q * 10**8)) for p, q in side.items()] == truth.top(depth)


def test_levels_pushed_out_are_not_deleted_and_levels_coming_back_are_sent() -> None:
    pair = Pair(spec=find("kraken", "BTC/USD"))
    full = event([(price, 1) for price in range(1, 12)], [(5, 1)])
    pair.book.apply(full.bids, full.asks)
    view = View(pair, 10)
    better = event([(0, 2)], [])
    pair.book.apply(better.bids, better.asks)
    told = json.loads(view.update(better) or "")["data"][0]["bids"]
    assert [level["price"] for level in told] == [100.0]
    gone = event([(0, 0)], [])
    pair.book.apply(gone.bids, gone.asks)
    told = json.loads(view.update(gone) or "")["data"][0]["bids"]
    assert [(level["price"], level["qty"]) for level in told] == [(100.0, 0), (99.0, 0.1)]
    far = event([(30, 1)], [])
    pair.book.apply(far.bids, far.asks)
    assert view.update(far) is None


def test_the_manuals_checksum_example() -> None:
    asks = "45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911 45290.2 0.15890660"
    asks += " 45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000 45297.5 0.09945542 45299.5 0.18772827"
    bids = "45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 45281.0 0.10000000 45280.3 1.54592586"
    bids += " 45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000 45277.3 1.54602737 45276.6 0.15445238"

    def levels(line: str) -> list[tuple[int, int]]:
        parts = line.split()
        return [
            (text.scaled(price, 1), text.scaled(qty, 8))
            for price, qty in zip(parts[::2], parts[1::2], strict=True)
        ]

    assert checksum(levels(bids), levels(asks)) == 3310070434


@given(st.integers(0, 10**18), st.integers(0, 10))
def test_numbers_survive_their_text(value: int, decimals: int) -> None:
    assert text.scaled(text.fixed(value, decimals), decimals) == value
    assert text.scaled(text.fixed(value, decimals) + ("000" if decimals else ""), decimals) == value


def test_a_number_with_too_many_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 2 decimals"):
        text.scaled("1.234", 2)


def test_times_survive_their_text() -> None:
    stamp = "2026-08-16T23:37:05.376419Z"
    assert text.iso_micros(text.iso_nanos(stamp)) == stamp
