"""books/waiting.py: a book is live when it says so and its connection speaks."""

import asyncio
from dataclasses import dataclass

import pytest

from support.clocks import ALONE, LoopClock
from twap_server.books.waiting import become_live
from twap_server.domain.clock import SECOND
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId

pytestmark = ALONE
ONE, OTHER = InstrumentId("binance", "BTC-USDT"), InstrumentId("kraken", "BTC-USDT")


@dataclass
class Book:
    status: BookStatus = BookStatus.LIVE
    is_silent: bool = False


class Books(dict[InstrumentId, Book]):
    def live_book(self, instrument: InstrumentId) -> Book | None:
        return self.get(instrument)


async def waited(books: Books) -> tuple[bool, float]:
    """What came of waiting two seconds for both, and how long it took."""
    clock = LoopClock()
    begun = clock.monotonic()
    return await become_live(books, [ONE, OTHER], clock, within=2 * SECOND), (
        clock.monotonic() - begun
    ) / SECOND


async def test_books_that_are_live_are_not_waited_for() -> None:
    assert await waited(Books({ONE: Book(), OTHER: Book()})) == (True, 0)


@pytest.mark.parametrize(
    "other",
    [
        Book(is_silent=True),
        Book(BookStatus.STALE),
        Book(BookStatus.RESYNCING),
        Book(BookStatus.DOWN),
    ],
    ids=str,
)
async def test_a_book_that_is_not_to_be_trusted_is_waited_for(other: Book) -> None:
    """A live one whose connection says nothing is none: it is shown as stale, and not filled from."""
    found, took = await waited(Books({ONE: Book(), OTHER: other}))
    assert not found and 2 <= took < 2.1


async def test_a_book_that_is_not_there_is_waited_for() -> None:
    assert not (await waited(Books({ONE: Book()})))[0]


async def test_it_goes_on_as_soon_as_they_are_live() -> None:
    books = Books({ONE: Book(), OTHER: Book(BookStatus.DOWN)})

    def live() -> None:
        books[OTHER].status = BookStatus.LIVE

    asyncio.get_running_loop().call_later(0.5, live)
    found, took = await waited(books)
    assert found and 0.5 <= took < 0.6
