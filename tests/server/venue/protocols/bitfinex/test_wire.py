"""Bitfinex's numbers and checksums, held against the published ones."""

from dataclasses import replace

import pytest

from twap_server.venue.book import Level, VenueBook
from twap_server.venue.protocols.bitfinex import wire

PLACES = 7
SPEC = replace(wire.spec_of("BTC", "USD"), price_decimals=PLACES)
BIDS = (
    "60000:0.02675957 1000:0.002168 600:0.009 500:1 300:0.6 100:0.1 70:0.5 30:1.2 6:1 2:4 1:17.388385 0.9:10 "
    "0.7:10 0.6:10 0.5:20 0.4:14 0.3:10 0.2:10 0.1:59 0.04:10 0.02:1 0.01:17 "
    "0.00002:10 0.000002:10 0.0000002:10"
)
ASKS = "70000:0.05670774 2000000:0.001 20000000:0.00004"
"""The manual's book, and its checksum."""


def levels(told: str) -> list[Level]:
    parts = (one.split(":") for one in told.split())
    return [(scaled(price, PLACES), scaled(size, 8)) for price, size in parts]


def scaled(text: str, places: int) -> int:
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(places, "0"))


def test_checksum_is_the_published_one() -> None:
    book = VenueBook()
    book.apply(levels(BIDS), levels(ASKS))
    assert wire.checksum(book, SPEC) == 167_208_263


def test_checksum_is_a_signed_number() -> None:
    book = VenueBook()
    book.apply(levels("100:1.5"), levels("101:2"))
    assert wire.checksum(book, SPEC) == -715_482_137


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [(1_142_444, 6, "1.142444"), (-200, 2, "-2"), (20, 8, "2e-7"), (25, 8, "2.5e-7"), (100, 8, "0.000001")],
)
def test_numbers_are_those_of_javascript(value: int, places: int, written: str) -> None:
    assert wire.number(value, places) == written


def test_what_is_gone_is_told_first() -> None:
    told = wire.changes(levels("101:1 100:0"), levels("101:0 102:3"), SPEC)
    assert told == ["[100,0,1]", "[101,0,-1]", "[101,1,1]", "[102,1,-3]"]
