"""Hold one request against every rule, in the order users are told of them: for submissions and previews.

In: a request, the time, how many more orders the user may have open. Out: the broken rules, one by one; a
submission reads the first, a preview all. What was found on the way (instrument, mid) stays for the caller.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from twap_models.enums import RejectReason
from twap_server.domain.admission import (
    Admitted,
    Fitted,
    Limits,
    broken_terms,
    broken_window,
    fitted,
    plan_of,
    unusable,
)
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import ExchangeUnavailable, TwapError, UnknownExchange, UnknownSymbol
from twap_server.domain.grid import Grid
from twap_server.domain.terms import OrderRequest, Rejection
from twap_server.engine.listings import Listings
from twap_server.engine.quotes import Glance


class Examination:
    """One request at one moment."""

    def __init__(
        self,
        request: OrderRequest,
        *,
        listings: Listings,
        glance: Glance,
        limits: Limits,
        now: Nanos,
        room: int,
    ) -> None:
        """Args: glance: the books at this moment; room: how many more orders the user may have open."""
        self._request, self._listings, self._glance, self._limits = request, listings, glance, limits
        self._now, self._room = now, room
        self.grid: Grid | None = None
        """Of what the symbol names, once it was looked up."""
        self._fit: Fitted | None = None
        self.mid: Decimal | None = None
        """Of the live books at this moment, once they were looked at."""

    def broken(self) -> Iterator[Rejection]:
        """Every broken rule; lazy, so that a caller who stops at the first looks no further.

        Raises:
            ExchangeUnavailable: the exchange's instruments are not known yet, so no more can be said.
        """
        yield from broken_window(self._request, now=self._now, limits=self._limits)
        found = self._find()
        if isinstance(found, Rejection):
            yield found
        if self._room <= 0:
            yield Rejection(
                reason=RejectReason.TOO_MANY_OPEN_ORDERS,
                field="token_id",
                detail="you have too many open orders: cancel one or wait",
            )
        if isinstance(found, Grid) and found.fault:
            self.grid = found
            yield unusable(self._request, found)
        elif isinstance(found, Grid):
            quotes = self._glance.quotes(found.legs)
            if quotes.odd:
                found = replace(found, notices=(*found.notices, *self._glance.notices(quotes)))
            self.grid, self.mid = found, quotes.mid
            self._fit = fitted(self._request, found, reference=self.mid)
            yield from broken_terms(self._request, found, self._fit, now=self._now, limits=self._limits)

    def admitted(self) -> Admitted:
        """The plan; only where no rule of window and terms is broken."""
        assert self.grid is not None, "the rules come first"
        assert self._fit is not None
        return plan_of(self._request, self.grid, self._fit, now=self._now)

    def _find(self) -> Grid | Rejection:
        try:
            return self._listings.grid(self._request.exchange, self._request.symbol)
        except UnknownExchange as error:
            return Rejection(
                reason=RejectReason.UNKNOWN_EXCHANGE, field="exchange", detail=f"exchange: {error}"
            )
        except UnknownSymbol as error:
            return Rejection(reason=RejectReason.UNKNOWN_SYMBOL, field="symbol", detail=f"symbol: {error}")


def used_up(request: OrderRequest) -> Rejection:
    """The token id belongs to this very order, which was rejected."""
    return Rejection(
        reason=RejectReason.DUPLICATE_TOKEN_ID,
        field="token_id",
        detail=f"token_id {request.token_id!r} is used up by this order, which was rejected: choose another",
    )


def duplicate(request: OrderRequest) -> Rejection:
    """The token id belongs to another order of the user."""
    return Rejection(
        reason=RejectReason.DUPLICATE_TOKEN_ID,
        field="token_id",
        detail=f"token_id {request.token_id!r} already names another order of yours: choose a new one",
    )


def unavailable(error: Exception) -> Rejection:
    """Nothing can be said of a request now; only what is known to be safe is told of the error."""
    why = str(error) if isinstance(error, TwapError) else "a fault of this server, its log says more"
    return Rejection(
        reason=RejectReason.UNAVAILABLE,
        field="exchange" if isinstance(error, ExchangeUnavailable) else "token_id",
        detail=f"it cannot be judged now: {why}; nothing was stored, send it again under the same token_id",
    )
