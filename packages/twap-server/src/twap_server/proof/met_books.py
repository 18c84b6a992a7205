"""Show the books that a slice met, as far as a recording tells: which of them, and from when they are."""

from typing import Final

from twap_models.enums import SliceReason
from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.orders.order import Fill, Order, SliceResult
from twap_server.domain.orders.terms import Destination
from twap_server.engine.market.book_view import BookView
from twap_server.engine.market.snapshot import MarketReader, Quotes
from twap_server.proof.recorded_market import RecordedMarket

WITHOUT_BOOK: Final = frozenset(SliceReason) - {
    SliceReason.LIMIT_NOT_MET,
    SliceReason.SLIPPAGE_CAP,
    SliceReason.DEPTH_EXHAUSTED,
    SliceReason.BELOW_MINIMUM,
    SliceReason.PARTICIPATION_CAP,
    SliceReason.NOT_NEEDED,
}
"""Why slices were missed that met no book: nothing was filled, and no recording says what the server saw."""


def quotes_of(
    order: Order, told: SliceResult, decided: Nanos, market: RecordedMarket, reader: MarketReader
) -> Quotes:
    """The books of the order's markets; of one market its live book: the server says that it was used.

    Of several, ``book_time`` is the oldest one's that was used. What is older was left out: by a silence or a
    lost connection, of which a recording has nothing.
    """
    destinations = order.terms.destinations
    if len(destinations) == 1:
        return _alone(destinations[0], market.live_book(destinations[0].instrument))
    used = [one for one in destinations if not _is_older(market.live_book(one.instrument), told)]
    return reader.snapshot(decided).quotes(used, limited=order.plan.limit is not None, filling=True)


def _is_older(live: LiveBook | None, told: SliceResult) -> bool:
    return live is not None and told.book_time is not None and live.ts_received < told.book_time


def _alone(destination: Destination, live: LiveBook | None) -> Quotes:
    if live is None or live.status is not BookStatus.LIVE or not live.book.two_sided():
        return Quotes((), SliceReason.NO_BOOK)
    return Quotes(((destination, BookView(live)),), None)


def date_fetched(order: Order, told: SliceResult, fills: tuple[Fill, ...], market: RecordedMarket) -> None:
    """Date books that came over REST as the server did: a recording knows when the answer came."""
    dated = {one.exchange: one.book_time for one in fills}
    for one in order.terms.destinations:
        moment = dated.get(one.instrument.exchange, told.book_time)
        if moment is not None:
            market.date_fetched(one.instrument, moment)


def quotes_when_sent(order: Order, sent: Nanos, market: RecordedMarket, reader: MarketReader) -> Quotes:
    """The books when a slice was sent: of several all that are live, for what it left out is not recorded."""
    destinations = order.terms.destinations
    if len(destinations) == 1:
        return _alone(destinations[0], market.live_book(destinations[0].instrument))
    return reader.snapshot(sent).quotes(destinations, limited=order.plan.limit is not None, filling=True)
