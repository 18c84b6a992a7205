"""Write the execution report as one HTML page: no script, no requests.

The headline is rounded for reading; the tables below have every digit.

Built as an element tree, so an order's own texts are escaped wherever they stand.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from xml.etree.ElementTree import Element, tostring

from twap_models.enums import SliceOutcome
from twap_models.reading import NOTHING, for_reading, number, reason_words
from twap_models.report import ExecutionReport
from twap_models.strategies import strategy_words
from twap_server.domain.market.symbols import assets_of
from twap_server.domain.orders.order import OrderProgress
from twap_server.domain.orders.record import OrderRecord
from twap_server.reports.charts import limit_is_drawn, price_chart, schedule_chart
from twap_server.reports.present import execution_report
from twap_server.reports.sections import sections
from twap_server.reports.svg import el
from twap_server.reports.waterfall import waterfall
from twap_server.reports.words import bps, short_amount, stamp

_CSP_IN_PAGE = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
_WHY = ("Nothing was filled", "The order was rejected")
_UTC = ("", "times are UTC")
CSP = f"{_CSP_IN_PAGE}; frame-ancestors 'none'"
"""Of the answer; a page may not say the last part of itself."""


def report_page(record: OrderRecord, *, notes: Sequence[str] = (), is_recorded: bool = False) -> str:
    """The whole document.

    Args:
        record: of the order.
        notes: come before the report's own.
        is_recorded: the books came from a recording, as in a replay.
    """
    made = execution_report(record)
    made = made.model_copy(update={"notes": [*notes, *made.notes]})
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=_CSP_IN_PAGE),
        el("meta", name="referrer", content="no-referrer"),
        el("title", f"Execution report {made.token_id}"),
        el("style", _css()),
    )
    page = el("html", head, el("body", el("main", *_parts(record, made, is_recorded))), lang="en")
    return f"<!doctype html>\n{tostring(page, encoding='unicode', method='html')}\n"


@cache
def _css() -> str:
    return files("twap_server.reports").joinpath("page.css").read_text("utf-8")


def _parts(record: OrderRecord, made: ExecutionReport, is_recorded: bool) -> Iterator[Element]:
    yield from _heading(record, made)
    yield el("p", _provenance(record, is_recorded), class_="provenance")
    yield _cards(made)
    yield from _notes(made)
    yield from _pictures(record, made, is_recorded)
    yield from sections(record, made)
    yield _footer(record, made.sha256)


def _heading(record: OrderRecord, made: ExecutionReport) -> Iterator[Element]:
    order = record.order
    terms, plan = order.terms, order.plan
    market = made.instrument or terms.symbol
    status = el("span", made.status.value, class_=f"status {made.status.value}")
    yield el(
        "h1", f"{made.side.value.capitalize()} {number(made.quantity)} {market} on {made.exchange}", status
    )
    yield el("p", f"Execution report of order {made.token_id}", class_="soft")
    if not made.fills and not order.status.is_open and made.notes:
        yield el("p", next((note for note in made.notes if note.startswith(_WHY)), ""), class_="why")
    limit = "none" if plan.limit is None else number(plan.limit)
    interval = f"one every {plan.interval / 1_000_000_000:g} s" if plan.interval else "one"
    how = f"{terms.carry.value}; fidelity {terms.fidelity.value}"
    facts = {
        "Accepted": stamp(terms.created),
        "Window": f"{stamp(terms.start)} to {stamp(plan.end)}",
        "Strategy": strategy_words(made.strategy, made.strategy_parameters),
        "Slices": f"{plan.slice_count}, {interval}; {how}",
        "Limit": limit,
        "Ended": _ended(order.progress),
    }
    shown = [part for name, fact in facts.items() if fact for part in (el("dt", name), el("dd", fact))]
    yield el("dl", *shown)


def _ended(progress: OrderProgress) -> str:
    when = "" if progress.ended is None else stamp(progress.ended)
    why = ": ".join(part for part in (reason_words(progress.reason), progress.detail) if part)
    return ", ".join(part for part in (when, why) if part)


def _provenance(record: OrderRecord, is_recorded: bool) -> str:
    terms = record.order.terms
    names = list(dict.fromkeys(destination.instrument.exchange for destination in terms.destinations)) or [
        terms.exchange
    ]
    market = terms.instrument.symbol if terms.instrument else terms.symbol
    books, they = ("book", "it") if len(names) == 1 else ("books", "them")
    live, when = (
        ("recorded", f"as a server had received {they}")
        if is_recorded
        else ("live", f"as this server received {they}")
    )
    return (
        f"Every fill is simulated: each slice was matched, when it was due, against the {live} order "
        f"{books} of {', '.join(names)} {market} {when}. "
        "Nothing was sent to an exchange. "
        "A positive figure is a cost."
    )


def _cards(made: ExecutionReport) -> Element:
    base, quote = assets_of(made.instrument)
    shortfall = made.costs.implementation_shortfall
    share = made.filled_quantity * 100 / made.quantity if made.quantity else 0
    cards = (
        ("Filled", f"{share:.2f} %", f"{number(made.filled_quantity)} of {number(made.quantity)} {base}"),
        ("Average price", for_reading(made.average_price), f"{quote} per {base}, {made.fills} fills"),
        ("Implementation shortfall", f"{bps(shortfall.bps)} bps", f"{short_amount(shortfall.amount)} {quote}")
        if made.fills
        else ("Implementation shortfall", NOTHING, "nothing was filled, so nothing was paid"),
        (
            "Against arrival",
            _in_bps(made.arrival_slippage_bps),
            f"arrival mid {for_reading(made.arrival_price)}",
        ),
        (
            "Against the market's TWAP",
            _in_bps(made.market_twap_slippage_bps),
            f"time-weighted mid {_known(made.market_twap)}",
        ),
        (
            "Against the traded VWAP",
            _in_bps(made.market_vwap_slippage_bps),
            f"VWAP {for_reading(made.market_vwap)} of {number(made.traded_volume)} {base}"
            if made.market_vwap is not None
            else "no trades to compare with: see the notes",
        ),
    )
    return el(
        "div",
        *(
            el("div", el("span", name), el("b", big), el("span", small), class_="card")
            for name, big, small in cards
        ),
        class_="cards",
    )


def _in_bps(value: Decimal | None) -> str:
    return NOTHING if value is None else f"{bps(value)} bps"


def _known(price: Decimal | None) -> str:
    return "not known: see the notes" if price is None else for_reading(price)


def _notes(made: ExecutionReport) -> Iterator[Element]:
    if made.notes:
        yield el("h2", "Notes")
        yield el("ul", *(el("li", note) for note in made.notes))


def _pictures(record: OrderRecord, made: ExecutionReport, is_recorded: bool) -> Iterator[Element]:
    _, quote = assets_of(made.instrument)
    yield el("h2", "Price and fills")
    yield el("figure", price_chart(record), _price_legend(record, is_recorded))
    yield el("h2", "Schedule against filled")
    yield el(
        "figure",
        schedule_chart(record),
        _legend([("dashed mid", "wanted by the schedule"), ("own", "filled"), _UTC]),
    )
    yield el("h2", "Where the cost came from")
    picture = waterfall(made.costs, quote) if made.fills else None
    if not made.fills:
        yield el("p", "Nothing was filled, so there is no cost to show.")
    elif picture is None:
        yield el("p", "A part of the cost is not known, so there is no picture of it: see the notes.")
    else:
        legend = _legend([("cost", "a cost"), ("gain", "a gain"), ("whole", "implementation shortfall")])
        yield el("figure", picture, legend)


def _price_legend(record: OrderRecord, is_recorded: bool) -> Element:
    order = record.order
    entries = [
        ("mid", f"mid of the {'recorded' if is_recorded else 'live'} books"),
        ("dot own", "fills, larger for more"),
    ]
    if order.average_price is not None:
        entries.append(("dashed own", f"average {number(order.average_price)}"))
    if order.plan.limit is not None:
        away = "" if limit_is_drawn(record) else ", outside the picture"
        entries.append(("dotted limit", f"limit {number(order.plan.limit)}{away}"))
    outcomes = {one.outcome for one in record.slices}
    if SliceOutcome.MISSED in outcomes:
        entries.append(("cross cost", "slice missed"))
    if SliceOutcome.PARTIAL in outcomes:
        entries.append(("cross warn", "slice filled in part"))
    return _legend([*entries, _UTC])


def _legend(entries: list[tuple[str, str]]) -> Element:
    return el(
        "ul",
        *(el("li", _swatch(kind) if kind else None, words) for kind, words in entries),
        class_="legend",
    )


def _swatch(kind: str) -> Element:
    *shape, colour = kind.split()
    ink = f"var(--{colour})"
    if "dot" in shape:
        return el("i", class_="dot", style=f"background:{ink}", aria_hidden="true")
    if "cross" in shape:
        return el("i", "×", class_="cross", style=f"color:{ink}", aria_hidden="true")
    return el("i", class_=" ".join(shape) or None, style=f"border-color:{ink}", aria_hidden="true")


def _footer(record: OrderRecord, sha256: str | None) -> Element:
    proof = f" SHA-256 of terms, plans, decisions and fills: {sha256}." if sha256 else ""
    return el(
        "footer",
        f"Order {record.order.terms.order_id}, revision {record.order.plan.revision}. Amounts are exact; "
        "prices that are quotients are rounded half-even to 12 decimals, basis points and percents to 4. "
        "Costs are Perold's implementation shortfall in basis points of the "
        f"quantity valued at the decision price.{proof}",
    )
