"""Write a tournament as one HTML page: no script, no requests; its links lead to reports beside it.

The figures are those of ``result.json``, digit for digit.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

from twap_models.lab import (
    PairedDifference,
    ResultGroup,
    StrategyResult,
    TournamentResult,
    TournamentRun,
    Verdict,
)
from twap_models.reading import NOTHING, for_reading, number
from twap_server.domain import exact
from twap_server.domain.resampling import FEWEST
from twap_server.lab.charts import difference_chart, for_each_width, parts_chart, risk_chart, spread_chart
from twap_server.reports.svg import el

_CSP = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
_Rows: TypeAlias = Sequence[Sequence[Element | str]]
_UTC = "%Y-%m-%d %H:%M:%S"


def write_page(path: Path, result: TournamentResult) -> None:
    """Write the page into a file."""
    path.write_text(page_of(result), encoding="utf-8")


def page_of(result: TournamentResult) -> str:
    """The whole document."""
    title = result.name or "Tournament"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=_CSP),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("style", _css()),
    )
    page = el("html", head, el("body", el("main", *_parts(result, title))), lang="en")
    return f"<!doctype html>\n{tostring(page, encoding='unicode', method='html')}\n"


@cache
def _css() -> str:
    own = files("twap_server.lab").joinpath("page.css").read_text("utf-8")
    return files("twap_server.reports").joinpath("page.css").read_text("utf-8") + own


def _parts(result: TournamentResult, title: str) -> Iterator[Element]:
    whole = result.groups[0]
    yield el("h1", title)
    yield from _about(result)
    yield el("h2", "What each strategy cost")
    yield from _findings(result, whole)
    yield _costs(whole)
    yield from _notes(result)
    yield from _pictures(result, whole)
    yield from _kinds(result)
    yield from _orders(result)
    yield from _setting(result)
    yield _footer(result)


def _about(result: TournamentResult) -> Iterator[Element]:
    first, last = min(one.first for one in result.recordings), max(one.last for one in result.recordings)
    names = ", ".join(one.name for one in result.recordings)
    recordings = "the recording" if len(result.recordings) == 1 else "the recordings"
    yield el(
        "p",
        f"{len(result.strategies)} strategies in {result.cases:,} cases: {result.runs:,} orders "
        f"over {recordings} {names}, {first.strftime(_UTC)} to {last.strftime(_UTC)} UTC.",
        class_="soft",
    )
    yield el(
        "p",
        "Every fill is simulated: each order met the recorded books as if it were alone there, at the "
        "moments when its slices were due. Cost is implementation shortfall in basis points of the "
        "quantity at the mid when the order came and started; a positive figure is a cost. Fees count, and "
        "what was not filled is valued at the last mid.",
        class_="provenance",
    )


def _findings(result: TournamentResult, whole: ResultGroup) -> Iterator[Element]:
    """In words, for whoever does not read the table to its last column."""
    known = [_finding(one.strategy, one.difference) for one in whole.strategies if one.difference is not None]
    found = [*known, *(_without_cost(one) for one in whole.strategies if one.cost is None)]
    if found:
        yield el("ul", *(el("li", words) for words in found))


def _without_cost(one: StrategyResult) -> str:
    why = f"{one.rejected:,} of its {one.runs:,} orders were rejected" if one.rejected else "see below"
    return f"{one.strategy}: its cost is not known ({why})"


def _finding(name: str, one: PairedDifference) -> str:
    between = "" if one.low is None else f", between {number(one.low)} and {number(one.high)}"
    pairs = f"in {one.pairs:,} pairs over {one.blocks:,} stretches of time"
    if one.verdict is Verdict.NO_DIFFERENCE_SHOWN:
        return f"{name}: no difference to {one.baseline} shown ({number(one.mean)} bps{between}, {pairs})"
    return (
        f"{name}: {one.verdict.value} than {one.baseline} by {number(abs(one.mean))} bps "
        f"({between.removeprefix(', ')}, {pairs})"
    )


def _costs(group: ResultGroup) -> Element:
    header = (
        "strategy", "orders", "filled %", "mean", "median", "5 %", "95 %", "risk", "difference",
        "95 % interval", "verdict",
    )  # fmt: skip
    return _table(header, [_cost_row(one) for one in group.strategies], texts=(0, 10))


def _cost_row(one: StrategyResult) -> list[Element | str]:
    cost, apart = one.cost, one.difference
    figures = [NOTHING] * 5
    if cost is not None:
        figures = [number(value) for value in (cost.mean, cost.median, cost.p5, cost.p95, cost.deviation)]
    orders = f"{one.runs:,}" + (f", {one.rejected:,} rejected" if one.rejected else "")
    row: list[Element | str] = [one.strategy, orders, number(one.filled_percent), *figures]
    if apart is None:
        return [*row, NOTHING, NOTHING, NOTHING]
    interval = NOTHING if apart.low is None else f"{number(apart.low)} to {number(apart.high)}"
    verdict = el("span", apart.verdict.value, class_=f"verdict {apart.verdict.name.lower()}")
    return [*row, number(apart.mean), interval, verdict]


def _notes(result: TournamentResult) -> Iterator[Element]:
    if result.baseline is not None:
        yield el(
            "p",
            f"Differences are to {result.baseline} in the same case, in pairs. Where the interval contains "
            "0, chance alone could have made the difference: none is shown.",
        )
    if result.notes:
        yield el("ul", *(el("li", note) for note in result.notes))


def _pictures(result: TournamentResult, whole: ResultGroup) -> Iterator[Element]:
    priced = [one for one in whole.strategies if one.cost is not None]
    if not priced:
        yield el("p", "No order has a known cost, so there is nothing to draw.")
        return
    yield el("h2", "How the cost is spread")
    spread = [("dot own", "mean"), ("line", "median"), ("own", "from 5 % to 95 % of the orders")]
    yield el("figure", *for_each_width(spread_chart, priced), _legend(spread))
    if any(one.difference is not None for one in priced):
        yield el("h2", f"Paired difference to {result.baseline}")
        entries = [("gain", "cheaper"), ("cost", "dearer"), ("soft", "no difference shown")]
        yield el("figure", *for_each_width(difference_chart, priced), _legend(entries))
    yield el("h2", "Cost against risk")
    yield el("figure", *for_each_width(risk_chart, priced))
    if any(one.parts for one in priced):
        yield from _by_part(priced)


def _by_part(priced: Sequence[StrategyResult]) -> Iterator[Element]:
    names = list(next(one.parts for one in priced if one.parts))
    yield el("h2", "Where the cost came from")
    legend = [*((name, name) for name in names), ("line", "all together")]
    yield el("figure", *for_each_width(parts_chart, priced), _legend(legend))
    rows: list[list[Element | str]] = [
        [one.strategy, *(number(one.parts[name]) for name in names), number(exact.total(one.parts.values()))]
        for one in priced
        if one.parts
    ]
    yield _table(("strategy", *names, "together"), rows, texts=(0,))
    yield el("p", "Means in basis points, over the orders all of whose parts are known.", class_="soft")


def _kinds(result: TournamentResult) -> Iterator[Element]:
    if len(result.groups) < 2:
        return
    yield el("h2", "By kind of order")
    for group in result.groups[1:]:
        side = "" if group.side is None else f"{group.side.value} "
        profile = f", {group.profile}" if group.profile else ""
        title = f"{side}{number(group.quantity)} {group.market}{profile}: {group.cases:,} cases"
        yield el("details", el("summary", title), _costs(group))


def _orders(result: TournamentResult) -> Iterator[Element]:
    if not result.orders:
        return
    yield el("h2", "Orders")
    header = (
        "run", "start, UTC", "strategy", "side", "quantity", "market", "profile", "status", "filled", "price",
        "cost, bps", "report",
    )  # fmt: skip
    table = _table(header, [_order_row(one) for one in result.orders], texts=(1, 2, 3, 5, 6, 7, 11))
    listed = f"{len(result.orders):,} of {result.runs:,} orders"
    yield el("details", el("summary", listed), table, open=None if len(result.orders) > 100 else "open")
    yield el("p", "runs.csv beside this page has every figure of every order.", class_="soft")


def _order_row(one: TournamentRun) -> list[Element | str]:
    market = f"{one.exchange}:{one.instrument or NOTHING}"
    link: Element | str = el("a", "report", href=one.report) if one.report else NOTHING
    return [
        f"{one.run:,}",
        one.start.strftime(_UTC),
        one.strategy,
        one.side.value,
        number(one.quantity),
        market,
        one.profile or NOTHING,
        one.status.value if not one.reason else el("span", one.status.value, title=one.reason),
        number(one.filled_quantity),
        for_reading(one.average_price),
        number(one.cost_bps),
        link,
    ]


def _setting(result: TournamentResult) -> Iterator[Element]:
    yield el("h2", "What was run")
    rows: list[list[Element | str]] = [
        [name, ", ".join(f"{key} {value}" for key, value in own.items()) or "as all"]
        for name, own in result.strategies.items()
    ]
    common = ", ".join(f"{key} {value}" for key, value in result.order.items())
    rows.append(["all orders", common or NOTHING])
    rows += [
        [f"recording {one.name}", f"SHA-256 {one.sha256}, {one.runs:,} orders"] for one in result.recordings
    ]
    rows.append(["engine", result.engine])
    yield el("dl", *(part for name, words in rows for part in (el("dt", name), el("dd", words))))


def _footer(result: TournamentResult) -> Element:
    return el(
        "footer",
        "Means, medians (of an even number the middle of two) and risk (standard deviation, n − 1) are "
        "computed from whole ten thousandths of a basis point and rounded once, half-even, to 4 decimals; "
        f"percentiles are nearest ranks. Intervals are percentile bootstraps of the mean, {result.draws:,} "
        "seeded draws over stretches of time as long as the longest order, for orders that work at the same "
        f"time see the same market; below {FEWEST} stretches there is none. Intervals are not corrected for "
        "the number of strategies.",
    )


def _table(header: Sequence[str], rows: _Rows, *, texts: Sequence[int]) -> Element:
    """Scrolls sideways where it is wider than the page."""
    kinds = ["text" if place in texts else None for place in range(len(header))]
    named = zip(header, kinds, strict=True)
    head = el("tr", *(el("th", name, class_=kind, scope="col") for name, kind in named))
    body = [
        el("tr", *(el("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True)))
        for row in rows
    ]
    return el("div", el("table", el("thead", head), el("tbody", *body)), class_="wide", tabindex=0)


def _legend(entries: Sequence[tuple[str, str]]) -> Element:
    return el("ul", *(el("li", _swatch(kind), words) for kind, words in entries), class_="legend")


def _swatch(kind: str) -> Element:
    if kind == "dot own":
        return el("i", class_="dot", style="background:var(--own)", aria_hidden="true")
    ink = "ink" if kind == "line" else kind
    return el("i", style=f"border-color:var(--{ink})", aria_hidden="true")
