"""The order book against a naive sorted model, and at the edges where floats tie: in Python and compiled."""

from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import examples
from twap_models.enums import Side
from twap_server.domain.market import levels as pure
from twap_server.domain.market import order_book as book_module
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.order_book import OrderBook

CLOSE = [f"61234.56789012345678{digit}" for digit in "123456789"]
"""20 digits: one float for all of them."""
assert len({float(text) for text in CLOSE}) == 1

LEVELS_OF = {"python": pure}
if find_spec("twap_server.domain.market._levels"):
    from twap_server.domain.market import _levels

    LEVELS_OF["compiled"] = _levels


@pytest.fixture(scope="module", params=LEVELS_OF, autouse=True)
def levels_module(request):
    """The whole file runs with either side of a book."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book_module, "Levels", LEVELS_OF[request.param].Levels)
        yield LEVELS_OF[request.param]


prices = st.one_of(
    st.sampled_from(CLOSE),
    st.integers(1, 40).map(str),
    st.decimals(min_value="0.00000001", max_value="99999", places=8).map(lambda d: format(d, "f")),
    st.sampled_from(["7.0", "7.00", "7", "61234.567890123456781000"]),
)
quantities = st.sampled_from(
    ["0", "0.00000000", "1", "0.5", "3.00", "0.00000001", "123456789012345678.0123456789"]
)
levels = st.lists(st.tuples(prices, quantities), max_size=12)
changes = st.lists(st.tuples(levels, levels), max_size=12)


def change(bids=(), asks=()):
    return BookChange(symbol="X", bids=list(bids), asks=list(asks))


def snapshot(bids=(), asks=()):
    return BookSnapshot(symbol="X", bids=list(bids), asks=list(asks))


class Naive:
    """Value to value, sorted when asked."""

    def __init__(self):
        self.sides = ({}, {})

    def apply(self, bids, asks):
        for side, texts in zip(self.sides, (bids, asks), strict=True):
            for price, quantity in texts:
                if Decimal(quantity) == 0:
                    side.pop(Decimal(price), None)
                else:
                    side[Decimal(price)] = Decimal(quantity)

    def top(self, n):
        bids, asks = self.sides
        return (
            tuple(sorted(bids.items(), key=lambda level: level[0], reverse=True)[:n]),
            tuple(sorted(asks.items(), key=lambda level: level[0])[:n]),
        )


scales = st.sampled_from(
    ["0.01", "0.0001", "100", "1000000", "0.00000000000000000003", "123456789.123456789"]
)


def times(side, scale=1):
    """Levels as fractions, which no calculation rounds."""
    return [(Fraction(price), Fraction(quantity) * Fraction(scale)) for price, quantity in side]


@settings(deadline=None)
@given(changes, scales)
def test_a_book_in_contracts_is_read_in_base_currency_and_kept_as_sent(messages, scale):
    plain, scaled = OrderBook(), OrderBook(Decimal(scale))
    for bids, asks in messages:
        crossed = [book.apply(change(bids, asks)) for book in (plain, scaled)]
        assert crossed[0] == crossed[1]
        assert scaled.top_text(99) == plain.top_text(99)
        expected = [times(side, scale) for side in plain.top(99)]
        assert [times(side) for side in scaled.top(99)] == expected
        assert [times(scaled.walk(side)) for side in (Side.SELL, Side.BUY)] == expected
        bests = [[best] if best else [] for best in (scaled.best_bid(), scaled.best_ask())]
        assert [times(one) for one in bests] == [side[:1] for side in expected]


def test_a_book_is_counted_anew_where_contracts_change_their_size():
    book = OrderBook(Decimal("0.01"))
    book.replace(snapshot([("1", "5")], [("2", "7")]))
    before, epoch = book.changes, book.ensure_level_epoch(Side.BUY, Decimal(2))
    book.count_in(Decimal("0.1"))
    assert book.changes > before, "whoever remembers what was read reads again"
    assert book.best_ask() == (2, Decimal("0.7"))
    assert book.level_epoch(Side.BUY, Decimal(2)) == epoch
    other = OrderBook(Decimal(10))
    other.replace(snapshot([("1", "5")], [("2", "7")]))
    book.take_over(other)
    assert book.best_bid() == (1, 50)


@settings(deadline=None)
@given(changes)
def test_it_equals_a_sorted_model(messages):
    book, naive = OrderBook(), Naive()
    for bids, asks in messages:
        book.apply(change(bids, asks))
        naive.apply(bids, asks)
        assert book.top(99) == naive.top(99)
        assert book.top(3) == naive.top(3)
        best_bid, best_ask = naive.top(1)
        assert book.crossed() is bool(best_bid and best_ask and best_bid[0][0] >= best_ask[0][0])
        assert tuple(book.walk(Side.BUY)) == naive.top(99)[1]
        assert tuple(book.walk(Side.SELL)) == naive.top(99)[0]
        assert len(book) == sum(map(len, naive.sides))


@settings(deadline=None)
@given(levels, levels, st.integers(0, 6))
def test_truncate_keeps_the_best(bids, asks, depth):
    book, naive = OrderBook(), Naive()
    book.apply(change(bids, asks))
    naive.apply(bids, asks)
    book.truncate(depth)
    assert book.top(99) == naive.top(depth)


@settings(deadline=None)
@given(st.permutations(CLOSE))
def test_equal_floats_are_neither_merged_nor_misordered(order):
    book = OrderBook()
    book.apply(change([(price, "1") for price in order], [(price, "1") for price in order]))
    bids, asks = book.top_text(99)
    assert [price for price, _ in asks] == CLOSE
    assert [price for price, _ in bids] == CLOSE[::-1]
    book.apply(change([(order[0], "0")]))
    assert [price for price, _ in book.top_text(99)[0]] == [one for one in CLOSE[::-1] if one != order[0]]


def test_another_text_of_the_same_value_is_the_same_level():
    book = OrderBook()
    book.apply(change([("7.0", "1")]))
    book.apply(change([("7.00", "2")]))
    assert book.top_text(9)[0] == [("7.0", "2")]
    book.apply(change([("7", "0")]))
    assert len(book) == 0


def test_crossed_decides_ties_exactly():
    book = OrderBook()
    book.apply(change([(CLOSE[0], "1")], [(CLOSE[1], "1")]))
    assert not book.crossed()
    book.apply(change([(CLOSE[1], "1")]))
    assert book.crossed()


def test_a_snapshot_discards_what_was_there():
    book = OrderBook()
    book.apply(change([("1", "1")], [("2", "1")]))
    book.replace(snapshot([("3", "1")], [("4", "1"), ("5", "0")]))
    assert book.top_text(9) == ([("3", "1")], [("4", "1")])
    assert book.best_bid() == (3, 1)
    assert book.best_ask() == (4, 1)


def test_an_empty_side_has_no_best_and_is_not_crossed():
    book = OrderBook()
    assert book.best_bid() is None
    assert book.best_ask() is None
    book.apply(change([("1", "1")]))
    assert not book.crossed()


@pytest.mark.parametrize("price", ["nan", "inf", "-1", "1_0", "abc", "", "0", "0.0", "٣"])
def test_a_price_that_is_no_price_is_refused(price):
    book = OrderBook()
    with pytest.raises(WireFormatError):
        book.apply(change([(price, "1")]))
    with pytest.raises(WireFormatError):
        book.replace(snapshot([("1", "1"), (price, "1")]))
    assert len(book) == 0


@pytest.mark.parametrize(
    "quantity", ["1.2.3", "", ".", "-1", "1e5", "٣", "nan", "1\0", "0..0", "1" * 31, "0." + "0" * 18 + "1"]
)
def test_a_quantity_that_is_no_number_is_refused(quantity):
    book = OrderBook()
    with pytest.raises(WireFormatError, match="quantity"):
        book.apply(change([("2", "1"), ("1", quantity)]))
    assert book.top_text(9)[0] == [("2", "1")]


def test_texts_of_any_length_stand_side_by_side():
    book = OrderBook()
    texts = [(f"{price}.{'0' * price}", f"0.{'0' * (18 - price)}1") for price in range(1, 19)]
    book.apply(change(texts, texts[:9]))
    assert book.top_text(99) == (texts[::-1], texts[:9])
    assert tuple(book.walk(Side.SELL)) == book.top(99)[0]


@pytest.mark.parametrize(
    "price",
    [
        "1e5",
        "+1",
        " 1",
        "1 ",
        "1.2.3",
        ".",
        "0x1",
        "1" * 400,
        "1" * 31,
        "1." + "0" * 19,
        "0." + "0" * 400 + "1",
    ],
)
def test_only_plain_decimals_within_reach_are_prices(price):
    with pytest.raises(WireFormatError, match="price is not a positive number"):
        OrderBook().apply(change([(price, "1")]))


@pytest.mark.parametrize(
    "price",
    [
        "1.",
        ".5",
        "007",
        "0.000000000000000001",
        "12345678901234567890123456789.5",
        "123456789012." + "1" * 18,
    ],
)
def test_odd_but_plain_prices_are_kept_as_they_are(price):
    book = OrderBook()
    book.apply(change([(price, "1")]))
    assert book.top_text(1)[0] == [(price, "1")]
    assert book.level_epoch(Side.SELL, Decimal(price)) is None
    assert book.ensure_level_epoch(Side.SELL, Decimal(price)) == book.level_epoch(Side.SELL, Decimal(price))


@pytest.mark.skipif(
    "compiled" not in LEVELS_OF, reason="no compiled order book: no C compiler when it was installed"
)
@settings(deadline=None, max_examples=examples.of(300))
@given(st.lists(st.tuples(st.text("0123456789.", max_size=36), st.text("01.", max_size=36)), max_size=30))
def test_compiled_and_python_agree_on_any_digits(changes):
    outcomes = []
    for module in LEVELS_OF.values():
        levels = module.Levels(1)
        try:
            levels.apply(changes)
        except WireFormatError as error:
            outcomes.append((str(error), levels.top(99)))
        else:
            outcomes.append(("", levels.top(99)))
    assert outcomes[0] == outcomes[1]


class TestMarks:
    def test_a_mark_lasts_as_long_as_the_level(self):
        book = OrderBook()
        book.apply(change((), [("10.0", "1")]))
        assert book.level_epoch(Side.BUY, Decimal(10)) is None
        first = book.ensure_level_epoch(Side.BUY, Decimal(10))
        book.apply(change((), [("10.0", "2")]))
        assert book.ensure_level_epoch(Side.BUY, Decimal("10.000")) == first
        assert book.level_epoch(Side.BUY, Decimal(10)) == first
        book.apply(change((), [("10.0", "0")]))
        assert book.level_epoch(Side.BUY, Decimal(10)) is None
        book.apply(change((), [("10.0", "1")]))
        assert book.ensure_level_epoch(Side.BUY, Decimal(10)) > first

    def test_sides_are_apart(self):
        book = OrderBook()
        book.apply(change([("9", "1")], [("10", "1")]))
        assert book.ensure_level_epoch(Side.SELL, Decimal(9)) != book.ensure_level_epoch(
            Side.BUY, Decimal(10)
        )
        assert book.level_epoch(Side.BUY, Decimal(9)) is None

    def test_truncating_is_not_removing(self):
        book = OrderBook()
        book.apply(change((), [("10", "1"), ("11", "1")]))
        mark = book.ensure_level_epoch(Side.BUY, Decimal(11))
        book.truncate(1)
        assert book.level_epoch(Side.BUY, Decimal(11)) == mark
        book.apply(change((), [("11", "1")]))
        assert book.ensure_level_epoch(Side.BUY, Decimal(11)) == mark
        book.truncate(1)
        book.apply(change((), [("11", "0")]))
        assert book.level_epoch(Side.BUY, Decimal(11)) is None

    def test_a_proven_snapshot_keeps_marks_of_levels_it_has_or_does_not_reach(self):
        book = OrderBook()
        book.apply(change((), [("10", "1"), ("11", "1"), ("20", "1")]))
        ten, eleven, twenty = (book.ensure_level_epoch(Side.BUY, Decimal(price)) for price in (10, 11, 20))
        book.replace(snapshot((), [("10", "5"), ("12", "1")]))
        assert book.level_epoch(Side.BUY, Decimal(11)) == eleven
        book.drop_epochs_of_gone()
        assert book.level_epoch(Side.BUY, Decimal(10)) == ten
        assert book.level_epoch(Side.BUY, Decimal(11)) is None
        assert book.level_epoch(Side.BUY, Decimal(20)) == twenty
        assert book.ensure_level_epoch(Side.BUY, Decimal(11)) > eleven

    def test_a_snapshot_that_is_refused_leaves_the_marks(self):
        book = OrderBook()
        book.apply(change((), [("10", "1")]))
        mark = book.ensure_level_epoch(Side.BUY, Decimal(10))
        with pytest.raises(WireFormatError):
            book.replace(snapshot((), [("0", "1"), ("10", "1")]))
        assert len(book) == 0
        book.replace(snapshot((), [("10", "1")]))
        assert book.ensure_level_epoch(Side.BUY, Decimal(10)) == mark

    def test_marks_are_bounded(self):
        book = OrderBook()
        for price in range(1, 10_102):
            book.ensure_level_epoch(Side.BUY, Decimal(price))
        assert book.level_epoch(Side.BUY, Decimal(1)) is None
        assert book.level_epoch(Side.BUY, Decimal(10_101)) is not None

    def test_taking_over_keeps_own_marks(self):
        old, new = OrderBook(), OrderBook()
        old.apply(change((), [("10", "1"), ("11", "1")]))
        ten = old.ensure_level_epoch(Side.BUY, Decimal(10))
        old.ensure_level_epoch(Side.BUY, Decimal(11))
        new.apply(change((), [("10", "7"), ("12", "1")]))
        old.take_over(new)
        old.drop_epochs_of_gone()
        assert old.top_text(9)[1] == [("10", "7"), ("12", "1")]
        assert old.level_epoch(Side.BUY, Decimal(10)) == ten
        assert old.level_epoch(Side.BUY, Decimal(11)) is None
