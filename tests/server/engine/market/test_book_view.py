"""engine/market/book_view.py: a book read once shows what the book itself shows."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from support.trading import HandBook
from twap_models.enums import Side
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.engine.market.book_view import BookView

levels = st.lists(
    st.tuples(st.integers(1, 60), st.integers(1, 50)), max_size=12, unique_by=lambda pair: pair[0]
)


def book(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> HandBook:
    made = HandBook()
    made.book.replace(
        BookSnapshot(
            symbol="BTC-USDT",
            bids=[(str(price), str(quantity)) for price, quantity in bids],
            asks=[(str(price + 100), str(quantity)) for price, quantity in asks],
        )
    )
    return made


@given(bids=levels, asks=levels, read=st.integers(0, 12))
def test_shows_every_level_best_first_however_often_and_far_it_is_read(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], read: int
) -> None:
    live = book(bids, asks)
    seen = BookView(live)
    for side in Side:
        shown, whole = seen.side_for(side), list(live.book.walk(side))
        begun = [level for level, _ in zip(shown, range(read), strict=False)]
        assert begun == whole[:read]
        assert list(zip(shown, shown, strict=True)) == list(zip(whole, whole, strict=True))
        assert shown.best == (whole[0] if whole else None)
    best = (live.book.best_bid(), live.book.best_ask())
    whole_mid = None if None in best else sum(level.price for level in best if level) / 2
    assert seen.mid == whole_mid


def test_holds_until_something_changes() -> None:
    live = book([(9, 1)], [(1, 1)])
    seen = BookView(live)
    assert seen.holds(live) and not seen.holds(book([(9, 1)], [(1, 1)]))
    changes = [
        lambda made: made.apply(BookChange(symbol="BTC-USDT", bids=[("8", "1")], asks=[])),
        lambda made: made.replace(BookSnapshot(symbol="BTC-USDT", bids=[("9", "1")], asks=[("101", "1")])),
        lambda made: made.truncate(1),
        lambda made: made.take_over(book([(3, 1)], [(3, 1)]).book),
        lambda made: made.empty(),
    ]
    for change in changes:
        seen = BookView(live)
        change(live.book)
        assert not seen.holds(live)


def test_a_mark_made_while_looking_is_the_books_own() -> None:
    live = book([(9, 1)], [(1, 1)])
    shown, price = BookView(live).side_for(Side.BUY), Decimal(101)
    assert shown.level_epoch(price) is None
    epoch = shown.ensure_level_epoch(price)
    assert (shown.level_epoch(price), shown.ensure_level_epoch(price)) == (epoch, epoch)
    assert live.book.level_epoch(Side.BUY, price) == epoch
    live.book.apply(BookChange(symbol="BTC-USDT", bids=[], asks=[("101", "0")]))
    live.book.apply(BookChange(symbol="BTC-USDT", bids=[], asks=[("101", "5")]))
    assert BookView(live).side_for(Side.BUY).level_epoch(price) is None
