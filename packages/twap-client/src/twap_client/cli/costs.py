"""Carry out costs: what closed orders cost, order by order and in sum."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from twap_client.cli.figures import badge, beside, rounded, signed
from twap_client.cli.fitting_table import FittingTable, left, right
from twap_client.cli.local_time import absolute
from twap_client.cli.session import Session
from twap_models.costs import CostPage, CostSummary, OrderCost
from twap_models.reading import for_reading, number

_MOST = 500


async def costs(
    session: Session,
    limit: int,
    *,
    exchange: str | None = None,
    symbol: str | None = None,
    side: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> int:
    """Show the newest of the closed orders that the filters find, and the sum over all of them.

    Raises:
        UsageError: a time is wrong.
    """
    start = absolute("--since", since, session.say)
    end = absolute("--until", until, session.say)
    page = await session.client.orders.costs(
        exchange=exchange, symbol=symbol, side=side, start_time=start, end_time=end, limit=min(limit, _MOST)
    )
    if session.as_csv:
        session.show(page.orders, Text)
    else:
        session.show(page, lambda: view(page, session.now))
    if page.next is not None:
        every = f" of {page.summary.orders:,}" if page.summary else ""
        session.say(
            f"the newest {len(page.orders):,}{every}: see more with `--limit`, or narrow it by filters"
        )
    return 0


def view(page: CostPage, now: datetime | None = None) -> RenderableType:
    """Draw one page, and what all come to."""
    if not page.orders:
        return Text("no closed orders", style="dim")
    return Group(_table(page.orders, now), *([] if page.summary is None else _sums(page.summary)))


def _table(orders: list[OrderCost], now: datetime | None) -> FittingTable:
    table = FittingTable(
        left("token", "status", "side"), right("filled"), left("symbol"),
        right("shortfall", "bps", "expected", "came to"), left("exchange"), right("average", "fees"),
        left("ended (UTC)"),
        header_style="bold",
    )  # fmt: skip
    for item in orders:
        table.add_row(
            item.token_id,
            badge(item.status),
            item.side,
            number(item.filled_quantity),
            item.instrument or item.symbol,
            "not computed yet" if item.pending else signed(item.shortfall),
            rounded(item.shortfall_bps, 2),
            rounded(item.forecast_bps, 2),
            rounded(item.trading_bps, 2),
            item.exchange,
            for_reading(item.average_price),
            number(item.fees),
            beside(item.ended, now),
        )
    return table


def _sums(summary: CostSummary) -> Iterator[Text]:
    done = f"{summary.orders:,} closed orders, {summary.filled_orders:,} of them filled anything"
    yield Text(f"\n{done}", style="bold")
    for quote, notional in summary.notional_by_quote.items():
        cost = signed(summary.shortfall_by_quote.get(quote))
        share = rounded(summary.shortfall_bps_by_quote.get(quote), 2)
        yield Text(f"{quote}: {number(notional)} traded, shortfall {cost} ({share} bps)")
    for quote, one in summary.forecast_by_quote.items():
        yield Text(
            f"{quote}: spread, depth and fees of {one.orders:,} {'order' if one.orders == 1 else 'orders'}: "
            f"expected {rounded(one.forecast_bps, 2)} bps, came to {rounded(one.trading_bps, 2)} bps"
        )
    if summary.median_bps is not None:
        yield Text(
            f"shortfall of an order: median {rounded(summary.median_bps, 2)} bps, "
            f"worst {rounded(summary.worst_bps, 2)} bps; positive is a cost"
        )
    for count, why in (
        (summary.pending, "not computed yet"),
        (summary.unpriced, "without a price to compare"),
    ):
        if count:
            yield Text(f"{count:,} {why}", style="yellow")
