"""One symbol over several exchanges as a single book. May cross: each fill still uses one exchange's book."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.market import BookStatus, BookView, PriceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidatedLevel:
    """One price, its quantity summed over exchanges."""

    price: Decimal
    quantity: Decimal
    sources: Mapping[str, Decimal]
    """Exchange to its share of the quantity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidatedView:
    """The merged book.

    ``live`` when at least one exchange is; ``missing`` names the others with their status.
    """

    status: BookStatus
    reason: str
    bids: tuple[ConsolidatedLevel, ...]
    asks: tuple[ConsolidatedLevel, ...]
    missing: Mapping[str, BookStatus]
    ts_exchange: Nanos
    ts_received: Nanos
    seq: int


def consolidate(views: Mapping[str, BookView | None], depth: int) -> ConsolidatedView:
    """Merge the live ones of several exchanges' books of one symbol.

    Args:
        views: exchange to its book; None means there is none.
        depth: at most so many levels a side, best first.
    """
    live = {name: view for name, view in views.items() if view is not None and view.status is BookStatus.LIVE}
    missing = {
        name: view.status if view else BookStatus.DOWN for name, view in views.items() if name not in live
    }
    return ConsolidatedView(
        status=BookStatus.LIVE if live else _best_status(missing.values()),
        reason=f"not live: {', '.join(sorted(missing))}" if missing else "",
        bids=_merge({name: view.bids for name, view in live.items()}, depth, descending=True),
        asks=_merge({name: view.asks for name, view in live.items()}, depth, descending=False),
        missing=missing,
        ts_exchange=min((view.ts_exchange for view in live.values()), default=Nanos(0)),
        ts_received=min((view.ts_received for view in live.values()), default=Nanos(0)),
        seq=sum(view.seq for view in views.values() if view is not None),
    )


def _merge(
    sides: Mapping[str, Iterable[PriceLevel]], depth: int, *, descending: bool
) -> tuple[ConsolidatedLevel, ...]:
    shares: dict[Decimal, dict[str, Decimal]] = {}
    for name, levels in sides.items():
        for level in levels:
            shares.setdefault(level.price, {})[name] = level.quantity
    return tuple(
        ConsolidatedLevel(price=price, quantity=exact.total(shares[price].values()), sources=shares[price])
        for price in sorted(shares, reverse=descending)[:depth]
    )


def _best_status(statuses: Iterable[BookStatus]) -> BookStatus:
    known = set(statuses)
    order = (BookStatus.RESYNCING, BookStatus.STALE, BookStatus.DOWN)
    return next((status for status in order if status in known), BookStatus.DOWN)
