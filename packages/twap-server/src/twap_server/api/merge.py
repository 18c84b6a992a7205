"""Several exchanges' books of one instrument as one: sizes summed per price, best first, exact."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.market import BookStatus, BookView, PriceLevel


class Merged(NamedTuple):
    """The consolidated book."""

    view: BookView
    sources: dict[str, list[list[str]]]
    """For bids and asks, the exchanges behind each level."""
    missing: list[str]
    """Exchanges that list the instrument and whose book is not live."""


def merge(views: Mapping[str, BookView], depth: int) -> Merged:
    """Merge the live books among ``views`` (by exchange); the others are named as missing."""
    live = {name: view for name, view in views.items() if view.status is BookStatus.LIVE}
    missing = sorted(views.keys() - live.keys())
    bids, bid_sources = _side({name: view.bids for name, view in live.items()}, depth, best_high=True)
    asks, ask_sources = _side({name: view.asks for name, view in live.items()}, depth, best_high=False)
    view = BookView(
        status=BookStatus.LIVE if live else _best_status(views.values()),
        reason="" if live else "no exchange's book is live",
        bids=bids,
        asks=asks,
        ts_exchange=Nanos(max((one.ts_exchange for one in live.values()), default=0)),
        ts_received=Nanos(max((one.ts_received for one in live.values()), default=0)),
        seq=sum(one.seq for one in views.values()),
    )
    return Merged(view, {"bids": bid_sources, "asks": ask_sources}, missing)


def _side(
    sides: Mapping[str, tuple[PriceLevel, ...]], depth: int, *, best_high: bool
) -> tuple[tuple[PriceLevel, ...], list[list[str]]]:
    sizes: defaultdict[Decimal, list[Decimal]] = defaultdict(list)
    names: defaultdict[Decimal, list[str]] = defaultdict(list)
    for name, levels in sides.items():
        for level in levels:
            sizes[level.price].append(level.quantity)
            names[level.price].append(name)
    prices = sorted(sizes, reverse=best_high)[:depth]
    return (
        tuple(PriceLevel(price, exact.total(sizes[price])) for price in prices),
        [names[price] for price in prices],
    )


def _best_status(views: Iterable[BookView]) -> BookStatus:
    found = {view.status for view in views}
    order = (BookStatus.STALE, BookStatus.RESYNCING)
    return next((status for status in order if status in found), BookStatus.DOWN)
