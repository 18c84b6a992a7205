"""Show in a few lines what an order would do, and what looks like a slip of the pen. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from twap_client._assets import assets_of
from twap_client.cli.figures import age, rounded, span, stamp
from twap_models import Candle, CostEstimate, ExpectedCost, OrderPreview, Side
from twap_models.reading import NOTHING, number

_FAR = Decimal("0.05")
"""A limit further than this from the market may be a digit too many."""
_MUCH = Decimal("0.1")
"""Of a day's volume."""
_HUNDRED = Decimal(100)


def view(preview: OrderPreview, doubts: Sequence[str]) -> RenderableType:
    """Draw the order, what it is worth, its slices, times in both zones, its cost, and what is doubtful."""
    grid = Table.grid(padding=(0, 2, 0, 2))
    for name, words in _facts(preview):
        grid.add_row(name, Text(words))
    parts: list[RenderableType] = [_headline(preview), grid]
    parts += [Text(f"  ✗ {item.field}: {item.detail}", style="red") for item in preview.broken]
    parts += [Text(f"  note: {words}", style="yellow") for words in preview.warnings]
    parts += [Text(f"  look again: {words}", style="bold yellow") for words in doubts]
    return Group(*parts)


def doubts(preview: OrderPreview, last_day: Sequence[Candle]) -> list[str]:
    """Say what a person may not have meant.

    Args:
        preview: what the server says would become of it.
        last_day: the candles of the last day; none where they are not known.
    """
    return [*_about_limit(preview), *_about_book(preview), *_about_volume(preview, last_day)]


def _headline(preview: OrderPreview) -> Text:
    name = preview.instrument or preview.symbol
    limit = "no limit" if preview.limit_price is None else f"limit {number(preview.limit_price)}"
    text = Text(
        f"{preview.side} {number(preview.quantity)} {name} on {preview.exchange}, {limit}", style="bold"
    )
    if not preview.accepted:
        text.append("  would be rejected", style="red")
    return text


def _facts(preview: OrderPreview) -> Iterator[tuple[str, str]]:
    cost, quote = preview.expected_cost, _quote(preview)
    if cost is not None:
        seen = f"{cost.book_status}, {age(cost.book_age_ms)}"
        yield "price now", f"{number(cost.touch)} {quote} ({seen})"
        yield "worth", f"{_money(preview.quantity * cost.mid)} {quote}"
    else:
        yield "price now", f"not known: {preview.cost_reason or NOTHING}"
    if preview.slice_count:
        yield "slices", _slices(preview)
        yield "from", _in_both_zones(preview.start_time)
        yield "until", _in_both_zones(preview.end_time)
    if cost is not None:
        yield "cost", _cost(cost, quote)
    yield "order id", preview.token_id


def _slices(preview: OrderPreview) -> str:
    sizes = [item.quantity for item in preview.slices]
    if preview.slice_count == 1:
        return f"1 of {number(preview.quantity)}"
    equal = len(set(sizes)) == 1
    each = f"of {number(sizes[0])}" if equal else f"of {number(min(sizes))} to {number(max(sizes))}"
    return f"{preview.slice_count:,} {each}, one every {span(preview.interval)}"


def _in_both_zones(moment: datetime | None) -> str:
    """UTC as everywhere, and the clock on the wall where that shows something else."""
    if moment is None:
        return NOTHING
    here = moment.astimezone()
    utc = f"{stamp(moment)} UTC"
    return utc if not here.utcoffset() else f"{utc}, here {stamp(here)} ({here.tzname()})"


def _cost(cost: ExpectedCost, quote: str) -> str:
    if not cost.slices.filled_quantity:
        return "nothing would fill now"
    return f"about {_estimate(cost.slices, quote)} in slices, {_estimate(cost.sweep, quote)} all at once"


def _estimate(made: CostEstimate, quote: str) -> str:
    return f"{_money(made.total)} {quote} ({rounded(made.total_bps, 2)} bps)"


def _money(amount: Decimal) -> str:
    """To the cent; less than one in eight decimals, for a quote currency may be worth much."""
    return rounded(amount, 2) if abs(amount) >= 1 else number(round(amount, 8))


def _quote(preview: OrderPreview) -> str:
    return assets_of(preview.instrument)[1]


def _about_limit(preview: OrderPreview) -> Iterator[str]:
    limit, cost = preview.limit_price, preview.expected_cost
    if limit is None or cost is None or not cost.touch:
        return
    gives = (limit - cost.touch) / cost.touch * (1 if preview.side is Side.BUY else -1)
    where = "above" if limit > cost.touch else "below"
    away = f"the limit {number(limit)} is {_share(abs(gives))} {where} the price now ({number(cost.touch)})"
    if gives > _FAR:
        yield f"{away}: it protects from little"
    elif gives < 0:
        yield f"{away}: nothing fills until the market gets there"


def _about_book(preview: OrderPreview) -> Iterator[str]:
    cost = preview.expected_cost
    if cost is None or (preview.limit_price is not None and not cost.sweep.filled_quantity):
        return
    if cost.slices.unfilled_quantity:
        filled = number(cost.slices.filled_quantity)
        yield f"a slice is more than the book holds: of {number(preview.quantity)} only {filled} would fill"
    elif cost.sweep.unfilled_quantity:
        yield (
            f"it is more than the book holds now ({number(cost.sweep.filled_quantity)} within reach): "
            "it fills as the book refills"
        )


def _about_volume(preview: OrderPreview, last_day: Sequence[Candle]) -> Iterator[str]:
    traded = sum((candle.volume for candle in last_day), Decimal(0))
    if not traded or preview.quantity < traded * _MUCH:
        return
    share = preview.quantity / traded
    if share > 1:
        yield f"it is more than was traded in the last day ({number(traded)})"
    else:
        yield f"it is {_share(share)} of what was traded in the last day ({number(traded)})"


def _share(part: Decimal) -> str:
    return f"{rounded(part * _HUNDRED, 1)} %"
