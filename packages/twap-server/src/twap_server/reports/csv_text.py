"""Write the execution report as CSV (RFC 4180): one figure per row, or one of the tables behind it.

Numbers are written digit for digit. A text that a spreadsheet would run as a formula gets an apostrophe in
front, as spreadsheets themselves write such a text.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Literal

from twap_models.fields import format_time
from twap_models.reading import number
from twap_models.report import Cost, Costs, Counterfactual, ExecutionReport
from twap_models.spreadsheet import harmless
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, Nanos, to_datetime
from twap_server.domain.market.symbols import assets_of
from twap_server.domain.orders.order import Fill, Order, SliceResult
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.sample import Sample
from twap_server.reports.present import execution_report

Cell = str | int | bool | Decimal | datetime | None
Table = Literal["slices", "fills", "samples"]

_SLICES = (
    "index", "due_time", "decided_time", "outcome", "reason", "wanted_quantity", "filled_quantity",
    "notional", "average_price", "target_quantity", "mid", "touch", "touch_exchange",
    "traded_volume", "book_age_ms",
)  # fmt: skip
_FILLS = (
    "token_id", "instrument", "side", "fill_id", "slice", "time", "exchange", "price", "quantity", "notional",
    "fee", "fee_currency", "book_seq", "book_time",
)  # fmt: skip
_SAMPLES = (
    "time", "mid", "traded_volume", "traded_notional", "sweep_filled", "sweep_notional", "sweep_fees",
)  # fmt: skip


def report_csv(record: OrderRecord) -> str:
    """Every figure of the report, one per row: ``section,name,value,unit``."""
    return _written(("section", "name", "value", "unit"), _figures(execution_report(record)))


def table_csv(record: OrderRecord, table: Table) -> str:
    """What the report was made from: slices that ended, fills, or samples of the market."""
    match table:
        case "slices":
            return _written(_SLICES, map(_slice, record.slices))
        case "fills":
            return _written(_FILLS, (_fill(record.order, one) for one in record.fills))
        case "samples":
            return _written(_SAMPLES, map(_sample, record.samples))


def _written(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([cell_text(cell) for cell in row] for row in rows)
    return out.getvalue()


def cell_text(cell: Cell) -> str:
    """A cell as it is written: numbers digit for digit, no text that a spreadsheet runs."""
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case str():
            return harmless(cell)
        case Decimal():
            return number(cell)
        case datetime():
            return format_time(cell)
        case int():
            return str(cell)


_Row = tuple[str, str, Cell, str]


def _figures(made: ExecutionReport) -> Iterator[_Row]:
    base, quote = assets_of(made.instrument or "base-quote")
    price = f"{quote} per {base}"
    yield from _order(made, base, quote, price)
    yield from _prices(made, price)
    yield from _costs(made.costs, quote)
    yield "costs", "forecast_bps", made.forecast_bps, "bps"
    yield "costs", "trading_bps", made.trading_bps, "bps"
    yield from _benchmarks(made, base, price)
    yield from _mark_outs(made, base, quote)
    yield from _schedule(made, base)
    for one in made.exchanges:
        yield from _exchange_rows(one.exchange, one.model_dump(exclude={"exchange"}), base, quote, price)
    for name in type(made.counterfactuals).model_fields:
        yield from _counterfactual(name, getattr(made.counterfactuals, name), base, quote, price)
    yield from (("notes", str(number), note, "") for number, note in enumerate(made.notes, 1))


def _order(made: ExecutionReport, base: str, quote: str, price: str) -> Iterator[_Row]:
    for name in ("token_id", "exchange", "instrument", "side", "status", "final"):
        yield "order", name, getattr(made, name), ""
    yield "order", "quantity", made.quantity, base
    yield "order", "filled_quantity", made.filled_quantity, base
    yield "order", "average_price", made.average_price, price
    yield "order", "notional", made.notional, quote
    yield "order", "fees", made.fees, quote
    yield "order", "fills", made.fills, "count"
    yield "order", "sha256", made.sha256, ""


def _prices(made: ExecutionReport, price: str) -> Iterator[_Row]:
    for name in ("decision_price", "arrival_price", "end_price"):
        yield "prices", name, getattr(made, name), price
        yield "prices", f"{name}_time", getattr(made, f"{name}_time"), "UTC"


def _costs(costs: Costs, quote: str) -> Iterator[_Row]:
    for name in type(costs).model_fields:
        yield from _cost("costs", name, getattr(costs, name), quote)


def _cost(section: str, name: str, cost: Cost, quote: str) -> Iterator[_Row]:
    yield section, name, cost.amount, quote
    yield section, f"{name}_bps", cost.bps, "bps"


def _benchmarks(made: ExecutionReport, base: str, price: str) -> Iterator[_Row]:
    yield "benchmarks", "arrival_slippage_bps", made.arrival_slippage_bps, "bps"
    yield "benchmarks", "market_twap", made.market_twap, price
    yield "benchmarks", "market_twap_coverage_percent", made.market_twap_coverage_percent, "percent"
    yield "benchmarks", "market_twap_slippage_bps", made.market_twap_slippage_bps, "bps"
    yield "benchmarks", "traded_volume", made.traded_volume, base
    yield "benchmarks", "market_vwap", made.market_vwap, price
    yield "benchmarks", "market_vwap_slippage_bps", made.market_vwap_slippage_bps, "bps"
    yield "benchmarks", "participation_percent", made.participation_percent, "percent"


def _mark_outs(made: ExecutionReport, base: str, quote: str) -> Iterator[_Row]:
    for one in made.mark_outs:
        section = f"mark_out_{one.seconds}s"
        yield section, "fills", one.fills, "count"
        yield section, "quantity", one.quantity, base
        yield section, "amount", one.amount, quote
        yield section, "bps", one.bps, "bps"


def _schedule(made: ExecutionReport, base: str) -> Iterator[_Row]:
    if made.drift is not None:
        yield "drift", "max", made.drift.max, base
        yield "drift", "max_percent", made.drift.max_percent, "percent"
        yield "drift", "rms", made.drift.rms, base
        yield "drift", "rms_percent", made.drift.rms_percent, "percent"
    if made.book_age_ms is not None:
        yield "book_age", "p50", made.book_age_ms.p50, "ms"
        yield "book_age", "p95", made.book_age_ms.p95, "ms"
    yield from (("slices_by_outcome", name, count, "count") for name, count in made.slices_by_outcome.items())
    yield from (("slices_by_reason", name, count, "count") for name, count in made.slices_by_reason.items())


def _exchange_rows(
    exchange: str, figures: dict[str, Cell], base: str, quote: str, price: str
) -> Iterator[_Row]:
    units = {"fills": "count", "quantity": base, "average_price": price, "share_percent": "percent"}
    for name, value in figures.items():
        yield f"exchange_{exchange}", name, value, units.get(name, quote)


def _counterfactual(
    name: str, one: Counterfactual | None, base: str, quote: str, price: str
) -> Iterator[_Row]:
    if one is None:
        return
    yield name, "filled_quantity", one.filled_quantity, base
    yield name, "average_price", one.average_price, price
    yield name, "notional", one.notional, quote
    yield name, "fees", one.fees, quote
    yield from _cost(name, "implementation_shortfall", one.implementation_shortfall, quote)
    yield from _cost(name, "difference", one.difference, quote)


def _slice(one: SliceResult) -> list[Cell]:
    known = one.decided is not None and one.book_time is not None
    return [
        one.index,
        to_datetime(one.due),
        _time(one.decided),
        one.outcome.value,
        one.reason.value if one.reason else None,
        one.wanted,
        one.filled,
        one.notional,
        exact.ratio(one.notional, one.filled) if one.filled else None,
        one.target,
        one.mid,
        one.touch,
        one.touch_exchange,
        one.traded,
        _age(one.decided, one.book_time) if known else None,
    ]


def _fill(order: Order, one: Fill) -> list[Cell]:
    instrument = order.terms.instrument
    return [
        order.terms.token_id,
        instrument.symbol if instrument else None,
        order.terms.side.value,
        one.fill_id,
        one.slice_index,
        to_datetime(one.time),
        one.exchange,
        one.price,
        one.quantity,
        exact.multiply(one.price, one.quantity),
        one.fee,
        assets_of(instrument.symbol)[1] if instrument else None,
        one.book_seq,
        _time(one.book_time or None),
    ]


def _sample(one: Sample) -> list[Cell]:
    swept: list[Cell] = [None, None, None]
    if one.sweep is not None:
        swept = [one.sweep.filled, one.sweep.notional, one.sweep.fees]
    return [to_datetime(one.time), one.mid, one.volume, one.notional, *swept]


def _time(moment: Nanos | None) -> datetime | None:
    return None if moment is None else to_datetime(moment)


def _age(decided: Nanos | None, book_time: Nanos | None) -> Decimal:
    return exact.ratio(Decimal((decided or 0) - (book_time or 0)), Decimal(MILLISECOND))
