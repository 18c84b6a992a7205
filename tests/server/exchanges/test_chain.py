"""The shared chain of numbers, beside what each exchange's own tests show of it."""

from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.exchanges.chain import Chain


def change(first: int, last: int) -> BookChange:
    return BookChange(symbol="X", bids=[], asks=[], first_id=first, last_id=last)


def whole(last: int) -> BookSnapshot:
    return BookSnapshot(symbol="X", bids=[], asks=[], last_id=last)


def test_a_joined_book_that_the_stream_sends_whole_stays_proven() -> None:
    chain = Chain(holds=True)
    chain.splice(whole(10))
    assert not chain.proven()
    assert chain.admit(change(9, 12)) and chain.proven()
    assert chain.splice(whole(20)) == [] and chain.proven()
    assert chain.admit(change(21, 22))
    chain.reset()
    chain.splice(whole(30))
    assert not chain.proven()
