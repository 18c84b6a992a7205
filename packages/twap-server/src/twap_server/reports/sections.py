"""Write the tables of the page: costs, benchmarks, alternatives, mark-outs, schedule, slices, fills."""

from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from twap_models.reading import NOTHING, WAYS, number
from twap_models.report import Counterfactual, ExecutionReport
from twap_server.domain import exact
from twap_server.domain.market.symbols import assets_of
from twap_server.domain.orders.order import Fill, SliceResult
from twap_server.domain.orders.record import OrderRecord
from twap_server.reports.svg import el
from twap_server.reports.waterfall import PARTS
from twap_server.reports.words import amount, moment

_MOST_ROWS = 500
_MEANING = {
    "delay": "the market moved between acceptance and the start: s·X·(P_a − P_d)",
    "timing": "the market moved while slices waited for their turn: s·Σ(mid − P_a)·x",
    "spread": "from the middle to the best price, when a slice was sent: s·Σ(touch − mid)·x",
    "latency": "the best price moved while slices were on their way: s·Σ(touch − touch when sent)·x",
    "depth": "levels behind the best one: s·Σ(p − touch)·x",
    "opportunity": "what was not filled, valued at the end's mid: s·(Q − X)·(P_e − P_d)",
    "fees": "taker fees",
}
_SYMBOLS = (
    "s is +1 for a buy and -1 for a sell; Q the quantity, X what was filled; p and x price and quantity of a "
    "fill; mid and touch the middle and the best price that its slice met (for timing and spread those of "
    "when it was sent); P_d, P_a, P_e the mids at the decision, at arrival, at the end. Basis points are of "
    "Q·P_d."
)


def sections(record: OrderRecord, made: ExecutionReport) -> Iterator[Element]:
    """All tables, in the page's order."""
    base, quote = assets_of(made.instrument)
    yield from _costs(made, quote)
    yield from _benchmarks(made, base, quote)
    yield from _others(made, quote)
    yield from _mark_outs(made, quote)
    yield from _schedule(made, base)
    yield from _exchanges(made, base, quote)
    yield from _slices(record.slices, base)
    yield from _fills(record.fills, base, quote)


def _costs(made: ExecutionReport, quote: str) -> Iterator[Element]:
    rows = [
        [name, amount(cost.amount), amount(cost.bps), _MEANING[name]]
        for name in PARTS
        for cost in [getattr(made.costs, name)]
    ]
    whole = made.costs.implementation_shortfall
    rows.append(
        ["implementation shortfall", amount(whole.amount), amount(whole.bps), "the parts sum to it exactly"]
    )
    yield el("h2", "Costs")
    yield _table(["part", quote, "bps", "what it is"], rows, text=(0, 3), total=True)
    yield el("p", _SYMBOLS, class_="soft")
    if made.forecast_bps is not None:
        yield el(
            "p",
            f"At acceptance spread, depth and fees were expected to be {amount(made.forecast_bps)} bps; "
            f"they came to {amount(made.trading_bps)} bps of X·P_d, of what was filled; "
            "the table is of Q·P_d.",
        )


def _benchmarks(made: ExecutionReport, base: str, quote: str) -> Iterator[Element]:
    covered = f"a mid was known in {number(made.market_twap_coverage_percent)} % of the time"
    volume = f"{number(made.traded_volume)} {base} traded by others"
    share = NOTHING if made.participation_percent is None else f"{number(made.participation_percent)} %"
    rows = [
        ["decision: mid at acceptance", number(made.decision_price), "", _at(made.decision_price_time)],
        [
            "arrival: first mid from the start on",
            number(made.arrival_price),
            amount(made.arrival_slippage_bps),
            _at(made.arrival_price_time),
        ],
        ["time-weighted mid", number(made.market_twap), amount(made.market_twap_slippage_bps), covered],
        ["traded VWAP", number(made.market_vwap), amount(made.market_vwap_slippage_bps), volume],
        ["end: last mid", number(made.end_price), "", _at(made.end_price_time)],
    ]
    yield el("h2", "Benchmarks")
    headers = ["price", f"{quote} per {base}", "the average against it, bps", ""]
    yield _table(headers, rows, text=(0, 3))
    yield el("p", f"Participation in what was traded: {share}.", class_="soft")


def _others(made: ExecutionReport, quote: str) -> Iterator[Element]:
    """One column for each way: there are more digits than a row has room for."""
    whole = made.costs.implementation_shortfall
    own = [
        number(made.filled_quantity),
        number(made.average_price),
        number(made.fees),
        amount(whole.amount),
        amount(whole.bps),
        "",
        "",
    ]
    ways = [own, *(_other(getattr(made.counterfactuals, name)) for name in WAYS)]
    names = ["filled", "average price", f"fees, {quote}", f"shortfall, {quote}", "shortfall, bps"]
    names += [f"the order cost more by, {quote}", "the order cost more by, bps"]
    rows = [[name, *(way[at] for way in ways)] for at, name in enumerate(names)]
    yield el("h2", "Other ways, on the same books")
    yield _table(["", "this order", *(name for name, _ in WAYS.values())], rows, text=(0,))
    words = "; ".join(f"{name}: {meaning}" for name, meaning in WAYS.values())
    yield el(
        "p",
        f"{words[0].upper()}{words[1:]}. What a way did not fill is valued at the end's mid.",
        class_="soft",
    )


def _other(one: Counterfactual | None) -> list[str]:
    if one is None:
        return [NOTHING] * 7
    return [
        number(one.filled_quantity),
        number(one.average_price),
        number(one.fees),
        amount(one.implementation_shortfall.amount),
        amount(one.implementation_shortfall.bps),
        amount(one.difference.amount),
        amount(one.difference.bps),
    ]


def _mark_outs(made: ExecutionReport, quote: str) -> Iterator[Element]:
    rows = [
        [f"{one.seconds} s", f"{one.fills} of {made.fills}", amount(one.amount), amount(one.bps)]
        for one in made.mark_outs
    ]
    yield el("h2", "Mark-outs")
    yield el(
        "p",
        "What the fills were worth some time later: paid less the mid then. Positive: the market went back, "
        "the fills look expensive in hindsight.",
        class_="soft",
    )
    yield _table(["after the fill", "fills measured", quote, "bps of their notional"], rows, text=(0,))


def _schedule(made: ExecutionReport, base: str) -> Iterator[Element]:
    rows = [[f"slices {name}", str(count), ""] for name, count in made.slices_by_outcome.items()]
    rows += [[f"slices because of {name}", str(count), ""] for name, count in made.slices_by_reason.items()]
    if made.drift is not None:
        most, rms = number(made.drift.max_percent), number(made.drift.rms_percent)
        rows.append(["behind schedule, at most", number(made.drift.max), f"{base}, {most} % of the quantity"])
        rows.append(["behind schedule, RMS", number(made.drift.rms), f"{base}, {rms} % of the quantity"])
    if made.book_age_ms is not None:
        rows.append(["age of the book, median", number(made.book_age_ms.p50), "ms"])
        rows.append(["age of the book, 95th percentile", number(made.book_age_ms.p95), "ms"])
    yield el("h2", "Schedule and books")
    yield _table(["", "", ""], rows, text=(0, 2))


def _exchanges(made: ExecutionReport, base: str, quote: str) -> Iterator[Element]:
    rows = [
        [
            one.exchange,
            str(one.fills),
            number(one.quantity),
            number(one.share_percent),
            number(one.average_price),
            number(one.notional),
            number(one.fees),
        ]
        for one in made.exchanges
    ]
    if rows:
        yield el("h2", "Exchanges")
        headers = [
            "exchange",
            "fills",
            base,
            "share, %",
            "average price",
            f"notional, {quote}",
            f"fees, {quote}",
        ]
        yield _table(headers, rows, text=(0,))


def _slices(slices: Sequence[SliceResult], base: str) -> Iterator[Element]:
    rows = (
        [
            str(one.index + 1),
            moment(one.due),
            one.outcome.value,
            one.reason.value if one.reason else "",
            number(one.wanted),
            number(one.filled),
            number(exact.ratio(one.notional, one.filled)) if one.filled else "",
            number(one.mid),
            number(one.touch),
        ]
        for one in slices[:_MOST_ROWS]
    )
    headers = [
        "slice",
        "due (UTC)",
        "outcome",
        "reason",
        f"wanted, {base}",
        "filled",
        "average",
        "mid",
        "touch",
    ]
    yield _folded("Slices", len(slices), _table(headers, rows, text=(2, 3)))


def _fills(fills: Sequence[Fill], base: str, quote: str) -> Iterator[Element]:
    rows = (
        [
            moment(one.time),
            str(one.slice_index + 1),
            one.exchange,
            number(one.price),
            number(one.quantity),
            number(one.fee),
            str(one.book_seq),
        ]
        for one in fills[:_MOST_ROWS]
    )
    headers = ["time (UTC)", "slice", "exchange", "price", base, f"fee, {quote}", "book number"]
    yield _folded("Fills", len(fills), _table(headers, rows, text=(2,)))


def _folded(name: str, count: int, table: Element) -> Element:
    more = f", the first {_MOST_ROWS} shown: all of them are in the CSV" if count > _MOST_ROWS else ""
    return el("details", el("summary", f"{name}: {count}{more}"), table)


def _table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, text: Sequence[int], total: bool = False
) -> Element:
    """Numbers to the right, columns named in ``text`` to the left; ``total`` sets the last row apart.

    Words in the fourth column stand below the figures on a phone.
    """

    def cells(tag: str, row: Sequence[str]) -> list[Element]:
        return [el(tag, cell, class_="text" if at in text else None) for at, cell in enumerate(row)]

    body = [el("tr", *cells("td", row)) for row in rows]
    if total and body:
        body[-1].set("class", "total")
    head = el("thead", el("tr", *cells("th", headers))) if any(headers) else None
    table = el("table", head, el("tbody", *body), class_="told" if 3 in text else None)
    return el("div", table, class_="wide", tabindex=0)


def _at(moment_text: object) -> str:
    return f"{moment_text:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC" if moment_text else ""
