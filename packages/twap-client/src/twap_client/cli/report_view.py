"""Write the execution report as text: cost waterfall, benchmarks, alternatives, schedule. Pure.

Costs are exact; elsewhere prices and amounts are rounded for reading, and ``--json`` has every digit.
"""

from decimal import Decimal

from rich.console import Group, RenderableType
from rich.text import Text

from twap_client._assets import assets_of
from twap_client.cli.figures import STATUS_STYLES, clock, percent, rounded
from twap_client.cli.fitting_table import FittingTable, drawn, left, right, words
from twap_models import ExecutionReport
from twap_models.reading import NOTHING, WAYS, for_reading, number
from twap_models.report import Cost, Costs, Counterfactual

_PARTS = ("delay", "timing", "spread", "latency", "depth", "opportunity", "fees")
_BAR = 26
_GAIN, _COST, _WHOLE = ("▒", "green"), ("█", "dark_orange"), ("█", "blue")
_ZERO = Decimal(0)
_WHY = ("Nothing was filled", "The order was rejected")
"""How the notes begin that belong into the headline."""


def report_view(made: ExecutionReport) -> RenderableType:
    """Draw all of a report."""
    base, quote = assets_of(made.instrument)
    parts = _beginning(made, base, quote)
    parts += [_heading(f"costs, {quote} (positive is a cost)"), _costs(made.costs, pictured=made.fills > 0)]
    if made.forecast_bps is not None:
        parts.append(
            Text(
                f"spread, depth and fees: expected {_bps(made.forecast_bps)} bps at acceptance, "
                f"came to {_bps(made.trading_bps)} bps of what was filled"
            )
        )
    parts += [_heading("average price compared with"), _benchmarks(made, base)]
    parts += [_heading("other ways to execute, on the same books"), _others(made)]
    parts += [_heading("mark-outs: price paid minus the mid some time later"), _mark_outs(made)]
    parts += [_heading("schedule and books"), _schedule(made, base)]
    if made.exchanges:
        parts += [_heading("exchanges"), _exchanges(made)]
    parts += [
        Text.assemble(("note ", "yellow"), note)
        for note in ("", *made.notes)
        if note and not note.startswith(_WHY)
    ]
    if made.sha256 is not None:
        parts.append(Text(f"\nsha256 {made.sha256} of terms, plans, decisions and fills", "dim"))
    parts.append(
        Text("\nFills are simulated against live order books; nothing was sent to an exchange.", "dim")
    )
    return Group(*parts, _heading("in short"), *_in_short(made, base, quote))


def _beginning(made: ExecutionReport, base: str, quote: str) -> list[RenderableType]:
    why = [Text(note, style="bold yellow") for note in made.notes if note.startswith(_WHY)]
    return [_headline(made), *why, *([_facts(made, base, quote)] if made.fills else [])]


def _in_short(made: ExecutionReport, base: str, quote: str) -> list[RenderableType]:
    """Say the essential once more, at the end: on a small screen the begin has scrolled away."""
    whole, parts = made.costs.implementation_shortfall, _beginning(made, base, quote)
    if made.fills:
        parts.append(Text(f"shortfall {_signed(whole.amount)} {quote} ({_bps(whole.bps)} bps)", "bold"))
    return parts


def _headline(made: ExecutionReport) -> Text:
    market = made.instrument or "?"
    text = Text(f"{made.token_id}  {made.side} {number(made.quantity)} {market} on {made.exchange}  ")
    text.append(made.status, style=STATUS_STYLES.get(made.status, ""))
    return text.append("" if made.final else "  so far")


def _facts(made: ExecutionReport, base: str, quote: str) -> Text:
    share = percent(made.filled_quantity / made.quantity) if made.quantity else NOTHING
    fills = "1 fill" if made.fills == 1 else f"{made.fills} fills"
    done = f"{number(made.filled_quantity)} {base} ({share}) in {fills}"
    return Text(f"{done} at {for_reading(made.average_price)}, {for_reading(made.notional)} {quote}")


def _costs(costs: Costs, *, pictured: bool) -> FittingTable:
    table = FittingTable(left(""), right("amount", "bps"), drawn(""))
    known = [getattr(costs, name).amount for name in _PARTS]
    spans = _spans(
        [amount for amount in known if amount is not None] if pictured and None not in known else []
    )
    for name in _PARTS:
        cost: Cost = getattr(costs, name)
        table.add_row(name, _signed(cost.amount), _bps(cost.bps), spans.get(name, Text()))
    whole = costs.implementation_shortfall
    bar = spans.get("shortfall", Text())
    table.add_row("shortfall", _signed(whole.amount), _bps(whole.bps), bar, style="bold")
    return table


def _spans(amounts: list[Decimal]) -> dict[str, Text]:
    """The waterfall: each part begins where the one before ended; none where a part is not known."""
    if not amounts:
        return {}
    reached, ends = _ZERO, [_ZERO]
    for amount in amounts:
        reached += amount
        ends.append(reached)
    low, width = min(ends), max(ends) - min(ends)
    if not width:
        return {}

    def span(begin: Decimal, end: Decimal, ink: tuple[str, str]) -> Text:
        left, right = sorted(int((value - low) * _BAR / width) for value in (begin, end))
        return Text(" " * left + ink[0] * max(1 if begin != end else 0, right - left), style=ink[1])

    made = {
        name: span(begin, end, _COST if end > begin else _GAIN)
        for name, begin, end in zip(_PARTS, ends, ends[1:], strict=False)
    }
    return made | {"shortfall": span(_ZERO, reached, _WHOLE)}


def _benchmarks(made: ExecutionReport, base: str) -> FittingTable:
    table = FittingTable(left(""), right("price", "bps"), words(""))
    covered = f"known {number(made.market_twap_coverage_percent)} % of the time"
    volume = f"{number(made.traded_volume)} {base} traded"
    if made.participation_percent is not None:
        volume += f", participation {rounded(made.participation_percent, 2)} %"
    table.add_row("decision mid", number(made.decision_price), "", clock(made.decision_price_time))
    table.add_row(
        "arrival mid",
        number(made.arrival_price),
        _bps(made.arrival_slippage_bps),
        clock(made.arrival_price_time),
    )
    table.add_row(
        "time-weighted mid", for_reading(made.market_twap), _bps(made.market_twap_slippage_bps), covered
    )
    table.add_row("traded VWAP", for_reading(made.market_vwap), _bps(made.market_vwap_slippage_bps), volume)
    table.add_row("end mid", number(made.end_price), "", clock(made.end_price_time))
    return table


def _others(made: ExecutionReport) -> FittingTable:
    table = FittingTable(left(""), right("filled", "average", "shortfall", "bps", "order cost more by, bps"))
    whole = made.costs.implementation_shortfall
    table.add_row(
        "this order",
        number(made.filled_quantity),
        for_reading(made.average_price),
        for_reading(whole.amount),
        _bps(whole.bps),
    )
    others = made.counterfactuals
    for field, (name, _) in WAYS.items():
        table.add_row(name, *_other(getattr(others, field)))
    return table


def _other(one: Counterfactual | None) -> tuple[str, ...]:
    if one is None:
        return (NOTHING,) * 5
    return (
        number(one.filled_quantity),
        for_reading(one.average_price),
        for_reading(one.implementation_shortfall.amount),
        _bps(one.implementation_shortfall.bps),
        _bps(one.difference.bps),
    )


def _mark_outs(made: ExecutionReport) -> FittingTable:
    table = FittingTable(left("after"), right("fills", "amount", "bps"))
    for one in made.mark_outs:
        measured = f"{one.fills} of {made.fills}"
        table.add_row(f"{one.seconds} s", measured, _signed(one.amount), _bps(one.bps))
    return table


def _schedule(made: ExecutionReport, base: str) -> FittingTable:
    table = FittingTable(left(""), right("value"), words(""))
    outcomes = ", ".join(f"{count} {name}" for name, count in made.slices_by_outcome.items())
    table.add_row("slices", str(sum(made.slices_by_outcome.values())), outcomes)
    for reason, count in made.slices_by_reason.items():
        table.add_row(f"  {reason}", str(count))
    if made.drift is not None:
        most, rms = rounded(made.drift.max_percent, 2), rounded(made.drift.rms_percent, 2)
        table.add_row("behind schedule, at most", number(made.drift.max), f"{base}, {most} %")
        table.add_row("behind schedule, RMS", for_reading(made.drift.rms), f"{base}, {rms} %")
    if made.book_age_ms is not None:
        median, most = rounded(made.book_age_ms.p50, 1), rounded(made.book_age_ms.p95, 1)
        table.add_row("book age", median, f"ms is the median, {most} ms at the 95th percentile")
    return table


def _exchanges(made: ExecutionReport) -> FittingTable:
    table = FittingTable(left(""), right("fills", "quantity", "share, %", "average", "fees"))
    for one in made.exchanges:
        table.add_row(
            one.exchange,
            str(one.fills),
            number(one.quantity),
            rounded(one.share_percent, 2),
            for_reading(one.average_price),
            for_reading(one.fees),
        )
    return table


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _signed(value: Decimal | None) -> str:
    return NOTHING if value is None else f"{'+' if value > 0 else ''}{number(value)}"


def _bps(value: Decimal | None) -> str:
    return NOTHING if value is None else f"{'+' if round(value, 2) > 0 else ''}{rounded(value, 2)}"
