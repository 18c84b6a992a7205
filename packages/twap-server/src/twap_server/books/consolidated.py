"""Merge one symbol's books of several exchanges. They may cross: a fill still uses one exchange's book."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookState, BookStatus, PriceLevel
from twap_server.domain.market.same_asset import agreeing


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

    ``live`` when at least one exchange's book is in it; ``missing`` names the others with their status:
    ``live`` too where the mids disagree, so that one of them may be another asset.
    """

    status: BookStatus
    reason: str
    bids: tuple[ConsolidatedLevel, ...]
    asks: tuple[ConsolidatedLevel, ...]
    missing: Mapping[str, BookStatus]
    ts_exchange: Nanos
    ts_received: Nanos
    lag: int | None
    """The worst of those merged, None where no exchange tells."""

    @property
    def is_crossed(self) -> bool:
        """Whether one exchange's best bid is at or above the best ask of another."""
        return bool(self.bids and self.asks) and self.bids[0].price >= self.asks[0].price


def consolidate(
    views: Mapping[str, BookState | None], depth: int, *, max_spread: Decimal
) -> ConsolidatedView:
    """Merge the live ones of several exchanges' books of one symbol, where they show one asset.

    Args:
        views: exchange to its book; None means there is none.
        depth: at most so many levels a side, best first.
        max_spread: how far the mids of merged books may lie apart, as a share of the lower one; what
            disagrees is left out as ``agreeing`` says.
    """
    live = {name: view for name, view in views.items() if view is not None and view.status is BookStatus.LIVE}
    merged = _same_asset(live, max_spread)
    missing = {
        name: view.status if view else BookStatus.DOWN for name, view in views.items() if name not in merged
    }
    return ConsolidatedView(
        status=BookStatus.LIVE if merged else _best_status(missing.values()),
        reason=_why_missing(missing, live),
        bids=_merge({name: view.bids for name, view in merged.items()}, depth, descending=True),
        asks=_merge({name: view.asks for name, view in merged.items()}, depth, descending=False),
        missing=missing,
        ts_exchange=min((view.ts_exchange for view in merged.values() if view.ts_exchange), default=Nanos(0)),
        ts_received=min((view.ts_received for view in merged.values()), default=Nanos(0)),
        lag=max((view.lag for view in merged.values() if view.lag is not None), default=None),
    )


def _same_asset(live: Mapping[str, BookState], max_spread: Decimal) -> Mapping[str, BookState]:
    """Those to merge; a book without a mid cannot be compared, and stands alone or not at all."""
    if len(live) < 2:
        return live
    mids = {name: mid for name, view in live.items() if (mid := _mid(view)) is not None}
    together = agreeing(mids, max_spread)
    return {name: view for name, view in live.items() if name in together}


def _mid(view: BookState) -> Decimal | None:
    return exact.midpoint(view.bids[0].price, view.asks[0].price) if view.bids and view.asks else None


def _why_missing(missing: Mapping[str, BookStatus], live: Mapping[str, BookState]) -> str:
    silent = sorted(missing.keys() - live.keys())
    apart = [(name, _mid(live[name])) for name in sorted(missing.keys() & live.keys())]
    odd = [f"{name} (mid {'none' if mid is None else exact.text(mid)})" for name, mid in apart]
    parts = [f"not live: {', '.join(silent)}"] if silent else []
    if odd:
        parts.append(f"prices disagree, it may be another asset: {', '.join(odd)}")
    return "; ".join(parts)


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
