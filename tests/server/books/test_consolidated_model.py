"""The merged book against the plainest model: every level of every live book, counted price by price."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from twap_server.books.consolidated import ConsolidatedLevel, consolidate
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookState, BookStatus, PriceLevel

NAMES = [f"exchange-{number}" for number in range(10)]
Side = dict[Decimal, Decimal]

quantities = st.decimals("0.00000001", "1000", places=8)
sides = st.dictionaries(st.decimals("90", "110", places=1), quantities, max_size=12)
statuses = st.sampled_from([BookStatus.LIVE, BookStatus.LIVE, *BookStatus])


def best_first(side: Side, *, bids: bool) -> tuple[PriceLevel, ...]:
    return tuple(PriceLevel(price, side[price]) for price in sorted(side, reverse=bids))


def seen(status: BookStatus, bids: Side, asks: Side, depth: int) -> BookState:
    """What a reader of one exchange gets: its best levels, none of a book that is not live."""
    shown = depth if status is BookStatus.LIVE else 0
    return BookState(
        status=status,
        reason="",
        bids=best_first(bids, bids=True)[:shown],
        asks=best_first(asks, bids=False)[:shown],
        ts_exchange=Nanos(1),
        ts_received=Nanos(1),
        seq=1,
    )


def model(
    books: dict[str, Side], depth: int, *, bids: bool
) -> list[tuple[Decimal, Decimal, dict[str, Decimal]]]:
    shares: dict[Decimal, dict[str, Decimal]] = defaultdict(dict)
    for name, side in books.items():
        for price, quantity in side.items():
            shares[price][name] = quantity
    ordered = sorted(shares, reverse=bids)[:depth]
    return [(price, sum(shares[price].values(), Decimal(0)), shares[price]) for price in ordered]


def told(levels: tuple[ConsolidatedLevel, ...]) -> list[tuple[Decimal, Decimal, dict[str, Decimal]]]:
    return [(level.price, level.quantity, dict(level.sources)) for level in levels]


@given(st.dictionaries(st.sampled_from(NAMES), st.tuples(statuses, sides, sides)), st.integers(1, 15))
def test_the_merged_book_is_the_sum_of_all_live_books(
    books: dict[str, tuple[BookStatus, Side, Side]], depth: int
) -> None:
    live = {name: one for name, one in books.items() if one[0] is BookStatus.LIVE}
    comparable = {name: one for name, one in live.items() if len(live) < 2 or (one[1] and one[2])}
    views = {name: seen(status, bids, asks, depth) for name, (status, bids, asks) in books.items()}
    merged = consolidate(views, depth, max_spread=Decimal(1))
    bids = model({name: one[1] for name, one in comparable.items()}, depth, bids=True)
    asks = model({name: one[2] for name, one in comparable.items()}, depth, bids=False)
    assert told(merged.bids) == bids
    assert told(merged.asks) == asks
    assert merged.missing.keys() == books.keys() - comparable.keys()
    assert merged.is_crossed == bool(bids and asks and bids[0][0] >= asks[0][0])
    assert (merged.status is BookStatus.LIVE) == bool(comparable)
