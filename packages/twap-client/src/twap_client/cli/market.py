"""Carry out exchanges, symbols, klines, book."""

from twap_client.cli import render
from twap_client.cli.candle_chart import CandleChart
from twap_client.cli.csv_rows import cell, write_rows
from twap_client.cli.figures import stamp
from twap_client.cli.session import Session
from twap_client.errors import UsageError
from twap_models import BookMessage

_WIDE = 120
"""Columns; a book on more is no easier to read."""
_LISTED = 20
"""Candles of a list, where nobody says how many."""
_MOST_DRAWN = 1_000
_NO_TERMINAL = 80
"""Columns of a chart that goes into a file."""


async def exchanges(session: Session) -> int:
    """List the exchanges."""
    found = await session.client.market.exchanges()
    session.show(found, lambda: render.exchanges_table(found))
    return 0


async def symbols(
    session: Session,
    exchange: str,
    *,
    base: str | None,
    quote: str | None,
    q: str | None,
    kind: str | None,
) -> int:
    """List an exchange's instruments."""
    found = await session.client.market.symbols(exchange, base=base, quote=quote, q=q, kind=kind)
    session.show(found, lambda: render.instruments_table(exchange, found))
    return 0


async def klines(
    session: Session, exchange: str, symbol: str, interval: str, limit: int | None, *, chart: bool
) -> int:
    """Show candles: a list, or drawn.

    Raises:
        UsageError: a chart is wanted as JSON or CSV.
    """
    if chart and (session.as_json or session.as_csv):
        raise UsageError("--chart draws for a person: leave out --json or --output, or leave out --chart")
    width = session.out.width if session.out.is_terminal else _NO_TERMINAL
    limit = limit or (min(width, _MOST_DRAWN) if chart else _LISTED)
    found = await session.client.market.klines(exchange, symbol, interval=interval, limit=limit)
    title = f"{exchange} {symbol} {interval}"
    if chart and found:
        session.out.print(CandleChart(title, found), width=width)
    else:
        session.show(found, lambda: render.candles_table(title, found))
    if found.oldest_available is not None:
        since = stamp(found.oldest_available)
        session.say(f"{len(found)} of {limit}: {exchange} has no {interval} candles from before {since} UTC")
    return 0


async def book(session: Session, exchange: str, symbol: str, depth: int) -> int:
    """Show a book."""
    found = await session.client.market.orderbook(exchange, symbol, depth=depth)
    shown = BookMessage.model_validate(found.model_dump())
    levels = max(len(shown.bids), len(shown.asks))
    width = None if session.out.width < _WIDE else _WIDE
    if session.as_csv:
        write_rows(_levels(shown))
    elif session.out.is_terminal:
        session.show(found, lambda: render.book_panel(shown, shown.ts_sent, width=width, levels=levels))
    else:
        session.show(found, lambda: render.levels_table(shown))
    return 0


def _levels(book: BookMessage) -> list[list[str]]:
    """A row for each level, best first, with the names of their columns above."""
    whole = [book.exchange, book.instrument, cell(book.ts_sent), book.status, book.reason]
    rows = [["exchange", "instrument", "ts_sent", "status", "reason", "side", "price", "quantity"]]
    for side, levels in (("bid", book.bids), ("ask", book.asks)):
        rows += [[*whole, side, cell(price), cell(quantity)] for price, quantity in levels]
    return rows
