"""Write a preview as text: plan, slices, broken rules, expected cost, which exchange would take it. Pure."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from twap_client.cli.figures import age, rounded, span, stamp
from twap_client.cli.fitting_table import FittingTable, left, right, words
from twap_client.cli.realism_view import IDEAL, expected_words
from twap_models import (
    CostEstimate,
    ExpectedCost,
    GoLiveCheck,
    GoLiveFinding,
    GoLiveVerdict,
    OrderPreview,
    PlannedSlice,
)
from twap_models.enums import Strategy
from twap_models.preview import CurvePoint, ImpactForecast, StrategyComparison
from twap_models.reading import NOTHING, for_reading, number
from twap_models.strategies import strategy_words

_FIRST, _LAST = 5, 2
_FEWEST_POINTS = 2
_MARKS = {
    GoLiveVerdict.ACCEPTED: ("✓", "green"),
    GoLiveVerdict.REFUSED: ("✗", "red"),
    GoLiveVerdict.UNKNOWN: ("?", "yellow"),
}


def preview_view(preview: OrderPreview, *, go_live: bool = True) -> RenderableType:
    """Draw a preview, cost and plan first; without ``go_live`` one line for each exchange's own TWAP."""
    parts: list[RenderableType] = [_verdict(preview)]
    parts += [Text.assemble(("  ✗ ", "red"), f"{item.field}: {item.detail}") for item in preview.broken]
    parts += [Text.assemble(("  note ", "yellow"), warning) for warning in preview.warnings]
    if preview.strategies:
        parts += [_heading("strategies side by side"), _strategies(preview.strategies)]
        return Group(*parts, _heading("by volume and volatility alone"), _forecast(preview.impact_forecast))
    parts += [_heading("expected cost now"), _cost(preview)]
    if preview.on_the_way is not None and preview.realism != IDEAL:
        parts.append(Text(expected_words(preview.on_the_way)))
    if preview.slice_count:
        parts += [_heading("plan"), _plan(preview), _sizes(preview)]
    if preview.go_live:
        shown = _go_live(preview.go_live) if go_live else _go_live_briefly(preview.go_live)
        parts += [_heading(f"would the exchange's own {str(preview.strategy).upper()} take it?"), shown]
    return Group(*parts)


def _strategies(compared: Sequence[StrategyComparison]) -> Group:
    """Cost and risk of each, and how much each has filled after a quarter, half and three quarters."""
    table = FittingTable(left("strategy"), right("cost bps", "risk bps", "¼", "½", "¾"), words("note"))
    for one in compared:
        table.add_row(
            strategy_words(one.strategy, one.strategy_parameters),
            rounded(one.expected_cost_bps, 3),
            rounded(one.risk_bps, 2),
            *(_share(one.curve, quarter) for quarter in (1, 2, 3)),
            one.note,
        )
    told = "cost: spread, depth, fees on the books now; risk: one standard deviation; ¼ ½ ¾: filled by then"
    return Group(table, Text(told, style="dim"))


def _forecast(made: ImpactForecast | None) -> Text:
    """What the market's last days say of an order of this size, whatever the book shows."""
    if made is None:
        return Text("not known: the market has no closed candles to take them from", style="yellow")
    text = Text(
        f"{rounded(made.share_percent, 3)} % of a day's volume ({for_reading(made.day_volume)}) "
        f"at {rounded(made.volatility, 2)} % a day: {rounded(made.temporary_bps, 2)} bps while it trades"
    )
    if made.cost_bps is None:
        return text.append("; how far the price stays moved: give --supply", style="dim")
    return text.append(
        f", {rounded(made.lasting_bps, 2)} bps that last; {rounded(made.cost_bps, 2)} bps in all"
    )


def _share(curve: Sequence[CurvePoint], quarter: int) -> str:
    """What is filled after so many quarters of the window, in percent."""
    if len(curve) < _FEWEST_POINTS:
        return NOTHING
    begin, end = curve[0].time, curve[-1].time
    moment = begin + (end - begin) * quarter / 4
    done = max((one.quantity for one in curve if one.time <= moment), default=curve[0].quantity)
    return f"{100 * done / curve[-1].quantity:.0f} %"


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _verdict(preview: OrderPreview) -> Text:
    name = preview.instrument or preview.symbol
    text = Text(f"{preview.side} {number(preview.quantity)} {name} on {preview.exchange}")
    if preview.strategy != Strategy.TWAP:
        text.append(f" by {strategy_words(preview.strategy, preview.strategy_parameters)}")
    if preview.limit_price is not None:
        text.append(f", limit {number(preview.limit_price)}")
    if preview.accepted:
        text.append("  would be accepted", style="green")
    else:
        count = len(preview.broken)
        text.append(f"  would be rejected: {count} rule{'s' * (count > 1)} broken", style="red")
    return text


def _plan(preview: OrderPreview) -> Text:
    window = f"{stamp(preview.start_time)} to {stamp(preview.end_time)} UTC"
    return Text(f"{window}, {preview.slice_count} slices, one every {span(preview.interval)}")


def _sizes(preview: OrderPreview) -> RenderableType:
    """The slices, where they are known before."""
    if preview.strategy == Strategy.POV:
        return Text("how much each slice wants is decided by what others trade until then", style="dim")
    return _slices(preview)


def _slices(preview: OrderPreview) -> FittingTable:
    table = FittingTable(left("slice", "due (UTC)"), right("quantity"))
    shown = preview.slices
    if len(shown) <= _FIRST + _LAST + 1:
        _rows(table, shown)
        return table
    _rows(table, shown[:_FIRST])
    table.add_row("…", "", "")
    # Beyond the thousand that the answer holds, its last ones are not the order's last.
    _rows(table, shown[-_LAST:])
    if len(shown) < preview.slice_count:
        table.add_row("…", f"{preview.slice_count - len(shown)} more", "")
    return table


def _rows(table: FittingTable, slices: Sequence[PlannedSlice]) -> None:
    for item in slices:
        table.add_row(str(item.index + 1), stamp(item.due_time), number(item.quantity))


def _cost(preview: OrderPreview) -> RenderableType:
    cost = preview.expected_cost
    if cost is None:
        return Text(f"none: {preview.cost_reason or NOTHING}", style="yellow")
    figures = right("average", "spread", "depth", "fees", "total", "bps")
    table = FittingTable(left(""), words("filled"), figures)
    _estimate(table, "in slices (if the book refills)", cost.slices)
    _estimate(table, "all at once", cost.sweep)
    return Group(_book(cost), table)


def _book(cost: ExpectedCost) -> Text:
    seen = f"{cost.book_status}, {age(cost.book_age_ms)}"
    return Text(f"mid {number(cost.mid)}, touch {number(cost.touch)} ({seen})", style="dim")


def _estimate(table: FittingTable, name: str, made: CostEstimate) -> None:
    short = f" ({number(made.unfilled_quantity)} stay unfilled)" if made.unfilled_quantity else ""
    why = f"; {made.stopped_by}" if made.stopped_by else ""
    table.add_row(
        name,
        number(made.filled_quantity) + short + why,
        for_reading(made.average_price),
        *(rounded(value, 4) for value in (made.spread, made.depth, made.fees, made.total)),
        rounded(made.total_bps, 2),
    )


def _go_live(checks: Sequence[GoLiveCheck]) -> FittingTable:
    table = FittingTable(left("exchange", "market", ""), words("why"))
    for check in checks:
        mark, style = _MARKS[check.verdict]
        table.add_row(
            check.exchange, check.market, Text(f"{mark} {check.verdict}", style=style), _why(check.rules)
        )
    return table


def _go_live_briefly(checks: Sequence[GoLiveCheck]) -> FittingTable:
    """A line each: what is in the way, by its name."""
    table = FittingTable(left("exchange", "market", ""), words(""))
    for check in checks:
        mark, style = _MARKS[check.verdict]
        rules = ", ".join(dict.fromkeys(rule.rule for rule in _in_the_way(check.rules)))
        table.add_row(check.exchange, check.market, Text(f"{mark} {check.verdict}", style=style), rules)
    return table


def _in_the_way(rules: Sequence[GoLiveFinding]) -> list[GoLiveFinding]:
    return [rule for rule in rules if rule.ok is False] or [rule for rule in rules if rule.ok is None]


def _why(rules: Sequence[GoLiveFinding]) -> Text:
    failed = _in_the_way(rules)
    if failed:
        return Text("\n".join(f"{rule.message or rule.rule} [{rule.as_of}]" for rule in failed))
    notes = [Text(rule.message, style="dim") for rule in rules if rule.message]
    return Text("\n").join([Text("every rule checked"), *notes])
