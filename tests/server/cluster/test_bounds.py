"""Numbers that another node tells are within their bounds, or the message is not read."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from support.clocks import ALONE, LoopClock
from support.cluster_market import BTC, EXCHANGE, SUBJECTS, live_pair
from twap_models.enums import Side
from twap_server.cluster.coding import WrongVersion, decode, encode
from twap_server.cluster.market_messages import (
    BookPulse,
    ChangeTold,
    ExchangePulse,
    TradedSoFar,
    TradeTold,
    WholeBook,
    book_told,
    question,
)
from twap_server.cluster.order_messages import EventMessage
from twap_server.cluster.order_questions import AskTaken, TakenLevels
from twap_server.cluster.own_levels import OwnLevels
from twap_server.domain.market.events import BookStatus
from twap_server.domain.ownership import MOST_PARTS

pytestmark = ALONE
TOO_LARGE = 2**64 - 1
PULSE = ["BTC-USD", 1, 1, 1, 1, [1, "1", "1"]]
CHANGE = [1, 1, 1, 1, 1, [], []]
TRADE = [1, 1, "1", "1", "t", "1", "1", Side.BUY, 1, 1, True]
WHOLE = [5, 1, 1, 1, BookStatus.LIVE, "", False, False, [], [], "1", 0, 1, 1, 1, True]


def other(row: list[Any], at: int, value: Any) -> list[Any]:
    return [*row[:at], value, *row[at + 1 :]]


def test_what_is_within_the_bounds_is_read() -> None:
    assert decode(encode(PULSE), BookPulse).traded == TradedSoFar(1, Decimal(1), Decimal(1))
    assert isinstance(book_told(encode(CHANGE)), ChangeTold)
    assert isinstance(book_told(encode(WHOLE)), WholeBook)
    assert decode(encode(TRADE), TradeTold).price == 1


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        *((BookPulse, other(PULSE, at, bad)) for at in (1, 2, 3, 4) for bad in (-1, TOO_LARGE)),
        *((ChangeTold, other(CHANGE, at, bad)) for at in (1, 2, 3, 4) for bad in (-1, TOO_LARGE)),
        *((TradeTold, other(TRADE, at, bad)) for at in (0, 1, 8, 9) for bad in (-1, TOO_LARGE)),
        *((TradeTold, other(TRADE, at, bad)) for at in (5, 6) for bad in ("1e999999", "NaN", "Infinity")),
        *((TradeTold, other(TRADE, at, bad)) for at in (2, 3) for bad in ("1e99", "-1", "NaN", "Infinity")),
        *((TradedSoFar, [1, bad, "1"]) for bad in ("1e99", "-1", "NaN", "Infinity")),
        *((TradedSoFar, [1, "1", bad]) for bad in ("1e99", "-1", "NaN", "-Infinity")),
        *((WholeBook, other(WHOLE, at, bad)) for at in (1, 2, 3, 11, 12, 13, 14) for bad in (-1, TOO_LARGE)),
        *((WholeBook, other(WHOLE, 10, bad)) for bad in ("0", "-1", "NaN", "1e999999")),
    ],
)
def test_what_is_beyond_them_is_not(kind: type[Any], row: list[Any]) -> None:
    with pytest.raises(WrongVersion):
        decode(encode(row), kind)


@pytest.mark.parametrize("limit", [0, -1, 10_000_000])
def test_nobody_asks_for_so_many_candles(limit: int) -> None:
    asked = {"type": "candles", "symbol": "X", "interval": "1m", "limit": limit, "start": None, "end": None}
    with pytest.raises(WrongVersion):
        question(encode(asked))


def test_no_event_has_such_a_number() -> None:
    with pytest.raises(WrongVersion, match="seq"):
        decode(encode({"seq": TOO_LARGE, "type": "accepted", "time": 1}), EventMessage)


@pytest.mark.parametrize(
    ("part", "parts"), [(1, 200_000), (1, MOST_PARTS + 1), (0, 2), (3, 2), (-1, 2), (1, 0)]
)
async def test_a_pulse_of_more_parts_than_there_can_be_divides_nothing(part: int, parts: int) -> None:
    async with live_pair() as made:
        told = ExchangePulse(
            epoch=9,
            moment=made.clock.monotonic(),
            status=made.collector.exchange.status(),
            revision=1,
            books=[],
            part=part,
            parts=parts,
        )
        made.network.tell("x", SUBJECTS.pulse(EXCHANGE), encode(told))
        await asyncio.sleep(0.01)
        book = made.market.live_book(BTC)
        assert book is not None and book.shown_status is BookStatus.LIVE


async def test_what_was_taken_and_not_asked_for_ends_nothing() -> None:
    async def ask(partition: int, wanted: AskTaken) -> TakenLevels:
        return TakenLevels([(user, BTC, Side.BUY, Decimal(1), Decimal(2)) for user in ("ada", "bob")])

    own = OwnLevels(ask, LoopClock())
    await own.look("ada", [BTC])
    assert own.taken("ada", BTC, Side.BUY, [Decimal(1)]) == {1: 2}
    assert own.taken("bob", BTC, Side.BUY, [Decimal(1)]) == {}
