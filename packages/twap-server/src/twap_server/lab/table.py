"""Write the table of all runs: CSV, and Parquet where it is asked for. Numbers stand digit for digit."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

from twap_models.fields import format_time
from twap_models.installing import from_a_checkout
from twap_server.domain.clock import to_datetime
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.orders.record import Hole
from twap_server.lab.figures import PARTS
from twap_server.lab.outcome import Outcome, Played
from twap_server.reports.csv_text import cell_text

Cell: TypeAlias = str | int | Decimal | datetime | None
_OF_RUN: Final = (
    "run", "case", "strategy", "recording", "exchange", "instrument", "side", "quantity", "profile",
    "start_time", "end_time",
)  # fmt: skip
_COUNTS: Final = ("fills", "slices_filled", "slices_partial", "slices_missed")
_FIGURES: Final = (
    "filled_quantity", "average_price", "notional", "fees", "decision_price", "arrival_price", "end_price",
    "cost", "cost_bps",
)  # fmt: skip
_AGAINST: Final = (
    "arrival_slippage_bps", "market_twap_slippage_bps", "market_vwap_slippage_bps", "participation_percent",
    "forecast_bps",
)  # fmt: skip
COLUMNS: Final = (
    *_OF_RUN,
    "status",
    "reason",
    "ended_time",
    *_COUNTS,
    *_FIGURES,
    *(f"part_{name}" for name in PARTS),
    *(f"part_{name}_bps" for name in PARTS),
    *_AGAINST,
    "holes",
    "report",
    "key",
)


def write_csv(path: Path, outcome: Outcome) -> None:
    """Write all runs as CSV (RFC 4180)."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows([cell_text(cell) for cell in _row(one, outcome)] for one in outcome.played)


def write_parquet(path: Path, outcome: Outcome) -> None:
    """Write all runs as Parquet: decimals as decimals, times as UTC to the microsecond.

    Raises:
        InvalidRequest: the extra for it is not installed.
    """
    pyarrow, parquet = _arrow()
    columns = list(zip(*(_row(one, outcome) for one in outcome.played), strict=True))
    kinds = {name: _kind(pyarrow, name, column) for name, column in zip(COLUMNS, columns, strict=True)}
    made = {
        name: pyarrow.array(column, type=kinds[name]) for name, column in zip(COLUMNS, columns, strict=True)
    }
    parquet.write_table(pyarrow.table(made), path, compression="zstd")


def check_parquet() -> None:
    """Find out before the work whether Parquet can be written.

    Raises:
        InvalidRequest: the extra for it is not installed.
    """
    _arrow()


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise InvalidRequest(
            f"--parquet needs the extra parquet: {from_a_checkout('server', 'parquet')}; "
            "runs.csv has the same",
            field="--parquet",
        ) from None
    return pyarrow, parquet


def _kind(pyarrow: Any, name: str, column: Sequence[Cell]) -> Any:
    """The type of a column; decimals get as many places as the column needs."""
    if name in ("run", "case", *_COUNTS):
        return pyarrow.int64()
    if name.endswith("_time"):
        return pyarrow.timestamp("us", tz="UTC")
    if not _is_number(name):
        return pyarrow.string()
    places = max((-int(one.as_tuple().exponent) for one in column if isinstance(one, Decimal)), default=0)
    return pyarrow.decimal256(76, max(places, 0))


def _is_number(name: str) -> bool:
    return name == "quantity" or name in (*_FIGURES, *_AGAINST) or name.startswith("part_")


def _row(one: Played, outcome: Outcome) -> list[Cell]:
    figures = one.figures
    return [
        *_of_run(one, outcome),
        figures.status.value,
        figures.reason,
        None if figures.ended is None else to_datetime(figures.ended),
        *_named(figures, _COUNTS),
        *_named(figures, _FIGURES),
        *(figures.parts.get(name) for name in PARTS),
        *(figures.parts_bps.get(name) for name in PARTS),
        *_named(figures, _AGAINST),
        _intervals(figures.holes),
        one.report,
        figures.key,
    ]


def _intervals(holes: Iterable[Hole]) -> str:
    """As ISO 8601 writes intervals, ``FROM/TO``."""
    return " ".join("/".join(format_time(to_datetime(moment)) for moment in hole) for hole in holes)


def _of_run(one: Played, outcome: Outcome) -> Iterator[Cell]:
    run, case = one.run, one.run.case
    yield from (run.number, case.number, run.strategy, outcome.sources[case.recording].name)
    yield from (run.order.exchange, one.figures.instrument, case.side.value, case.quantity, case.profile)
    yield from (to_datetime(case.start), to_datetime(run.end))


def _named(figures: object, names: Sequence[str]) -> Iterator[Cell]:
    return (getattr(figures, name) for name in names)
