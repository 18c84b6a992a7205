"""Write tournaments as text: the list, and the result of one. Pure.

Figures are rounded for reading; ``--json`` has every digit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.text import Text

from twap_client.cli.figures import badge, beside, rounded, stamp
from twap_client.cli.fitting_table import FittingTable, left, right, words
from twap_models import (
    CostSpread,
    ListedTournament,
    PairedDifference,
    PlayedRecording,
    ResultGroup,
    StrategyResult,
    TournamentResult,
    TournamentRun,
    Verdict,
)
from twap_models.reading import NOTHING, for_reading, number

_FEW, _ALL = 2, 4
"""Decimals of a figure in basis points; a result has no more."""
_VERDICTS = {Verdict.CHEAPER: "green", Verdict.DEARER: "red", Verdict.NO_DIFFERENCE_SHOWN: "dim"}


def list_view(found: Sequence[ListedTournament], now: datetime | None = None) -> RenderableType:
    """Draw the list."""
    if not found:
        return Text("no tournaments: the server's setting api.tournaments names their folder", style="dim")
    table = FittingTable(
        left("name", "written (UTC)"), right("runs", "cases"), words("title", "strategies"),
        left("baseline"), words("problem"),
        header_style="bold",
    )  # fmt: skip
    for one in found:
        table.add_row(
            one.name,
            beside(one.finished, now),
            f"{one.runs:,}",
            f"{one.cases:,}",
            one.title,
            ", ".join(one.strategies),
            one.baseline or "",
            Text(one.problem, style="yellow"),
        )
    return table


def result_view(name: str, made: TournamentResult, *, with_runs: bool = False) -> RenderableType:
    """Draw all of a result."""
    parts: list[RenderableType] = [*_beginning(name, made)]
    for group in made.groups:
        parts += [_heading(f"{_kind(group)}: cost in bps, positive is a cost"), _costs(group)]
    if made.groups and any(one.parts for one in made.groups[0].strategies):
        parts += [_heading("where it came from: mean parts of the cost in bps"), _parts(made.groups[0])]
    parts += [_heading("recordings"), _recordings(made.recordings)]
    if with_runs:
        parts += [_heading("runs"), _runs(made.orders)]
    parts += [Text.assemble(("note ", "yellow"), note) for note in made.notes]
    return Group(*parts)


def _beginning(name: str, made: TournamentResult) -> Iterator[Text]:
    yield Text(f"{name}  {made.name}".rstrip(), style="bold")
    compared = f", compared with {made.baseline}" if made.baseline else ""
    rejected = sum(one.rejected for group in made.groups[:1] for one in group.strategies)
    without = f", {rejected:,} rejected" if rejected else ""
    yield Text(f"{_many(made.runs, 'run')} in {_many(made.cases, 'case')}{without}{compared}")
    yield Text(f"order: {_fields(made.order)}")
    for strategy, fields in made.strategies.items():
        if fields:
            yield Text(f"{strategy}: {_fields(fields)}")


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _fields(fields: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items())


def _kind(group: ResultGroup) -> str:
    """Which cases a group is of: all, or those of a market, a side, a quantity, a profile."""
    quantity = None if group.quantity is None else number(group.quantity)
    kind = [str(one) for one in (group.market, group.side, quantity, group.profile) if one is not None]
    return f"{' '.join(kind) or 'all'}, {_many(group.cases, 'case')}"


def _costs(group: ResultGroup) -> FittingTable:
    table = FittingTable(
        left("strategy"), right("mean", "difference"), left("verdict", "95 % of difference", "95 % of mean"),
        right("risk", "median", "5 %", "95 %", "filled", "runs", "rejected", "unpriced"),
        header_style="bold",
    )  # fmt: skip
    places = _places(_compared(group))
    for one in group.strategies:
        table.add_row(one.strategy, *_cost_cells(one.cost, one.difference, places), *_counts(one))
    return table


def _compared(group: ResultGroup) -> Iterator[list[Decimal | None]]:
    """The columns whose rows are held against each other; the ends of an interval, too."""
    costs = [one.cost for one in group.strategies if one.cost is not None]
    pairs = [one.difference for one in group.strategies if one.difference is not None]
    yield [one.mean for one in costs]
    yield [one.mean for one in pairs]
    yield from ([one.low, one.high] for one in costs)
    yield from ([one.low, one.high] for one in pairs)


def _places(columns: Iterable[Sequence[Decimal | None]]) -> int:
    """Two decimals where they tell the values of each column apart, and from nothing; else all four."""
    known = [{one for one in column if one is not None} for column in columns]
    shown = [({round(one, _FEW) for one in column}, column) for column in known]
    is_enough = all(len(short) == len(whole) and (0 in short) == (0 in whole) for short, whole in shown)
    return _FEW if is_enough else _ALL


def _cost_cells(
    cost: CostSpread | None, paired: PairedDifference | None, places: int
) -> Iterator[str | Text]:
    yield NOTHING if cost is None else rounded(cost.mean, places)
    yield "" if paired is None else _signed(paired.mean, places)
    yield "" if paired is None else Text(paired.verdict, style=_VERDICTS[paired.verdict])
    yield "" if paired is None else _interval(paired.low, paired.high, places)
    yield "" if cost is None else _interval(cost.low, cost.high, places)
    figures = [None] * 4 if cost is None else [cost.deviation, cost.median, cost.p5, cost.p95]
    yield from (rounded(one, places) for one in figures)


def _counts(one: StrategyResult) -> Iterator[str]:
    yield NOTHING if one.filled_percent is None else f"{rounded(one.filled_percent, 1)} %"
    yield f"{one.runs:,}"
    yield from (f"{count:,}" if count else "" for count in (one.rejected, one.unpriced))


def _signed(value: Decimal, places: int) -> str:
    return f"{'+' if value > 0 else ''}{rounded(value, places)}"


def _interval(low: Decimal | None, high: Decimal | None, places: int) -> str:
    return NOTHING if low is None or high is None else f"{rounded(low, places)} to {rounded(high, places)}"


def _parts(group: ResultGroup) -> FittingTable:
    names = list(dict.fromkeys(name for one in group.strategies for name in one.parts))
    table = FittingTable(left("strategy"), right(*names), header_style="bold")
    places = _places([one.parts.get(name) for one in group.strategies] for name in names)
    for one in group.strategies:
        table.add_row(one.strategy, *(rounded(one.parts.get(name), places) for name in names))
    return table


def _recordings(played: Iterable[PlayedRecording]) -> FittingTable:
    table = FittingTable(left("name", "from (UTC)", "to (UTC)"), right("runs"), header_style="bold")
    for one in played:
        table.add_row(one.name, stamp(one.first), stamp(one.last), f"{one.runs:,}")
    return table


def _runs(orders: Iterable[TournamentRun]) -> FittingTable:
    table = FittingTable(
        right("run"), left("strategy", "status", "side"), right("filled"), left("instrument"),
        right("cost bps", "average"), left("start (UTC)", "exchange", "profile", "report"), words("reason"),
        header_style="bold",
    )  # fmt: skip
    shown = list(orders)
    places = _places([one.cost_bps] for one in shown)
    for one in shown:
        table.add_row(
            str(one.run),
            one.strategy,
            badge(one.status),
            one.side,
            f"{number(one.filled_quantity)} of {number(one.quantity)}",
            one.instrument or "",
            rounded(one.cost_bps, places),
            for_reading(one.average_price),
            stamp(one.start),
            one.exchange,
            one.profile,
            "yes" if one.report else "",
            one.reason,
        )
    return table
