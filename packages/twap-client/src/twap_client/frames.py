"""Make tables of what the library gives: frames of pandas or polars, which are extras of these names.

::

    frame = to_frame(await client.market.klines("binance", "BTC-USDT"))

Numbers stay exact: ``Decimal`` objects in pandas, text in polars; ``floats=True`` gives floats for charts and
statistics.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import Any, Literal

from pydantic import BaseModel

from twap_client.errors import UsageError
from twap_models import BookTop, CostPage
from twap_models.installing import from_a_checkout

FrameLibrary = Literal["pandas", "polars"]
Row = dict[str, Any]


def to_frame(
    items: BaseModel | Iterable[BaseModel], *, library: FrameLibrary = "pandas", floats: bool = False
) -> Any:
    """Make a frame: a row for each model, a column for each of its fields.

    Fields of a model in a model get its name before theirs (``order_status``); lists are left out. Of a book
    each level is a row: ``side``, ``price``, ``quantity``; of a page of costs each order. Times are in UTC.

    Args:
        items: candles, orders, fills, slices, events, trades, instruments …; or one model.
        library: ``pandas`` or ``polars``.
        floats: give numbers as floats. They are rounded: no longer what was traded.

    Raises:
        ImportError: that library is not installed; says how.
        UsageError: there is no such library, or what is given are no models (a ``ValueError`` too).
    """
    rows = [row for item in _several(items) for row in _rows(item)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [_plain(row.get(name), floats=floats) for row in rows] for name in names}
    match library:
        case "pandas":
            return _pandas(columns)
        case "polars":
            return _polars(columns)
        case _:
            raise UsageError(f"library: expected pandas or polars, got {library!r}")


def _several(items: Any) -> Iterable[Any]:
    if isinstance(items, CostPage):
        return items.orders
    several = (items,) if isinstance(items, BaseModel) else items
    if not isinstance(several, Iterable):
        hint = ": await it, or take [one async for one in …]" if hasattr(several, "__aiter__") else ""
        raise UsageError(f"expected models of this library, got {type(items).__name__}{hint}")
    return several


def _rows(item: Any) -> list[Row]:
    if not isinstance(item, BaseModel):
        raise UsageError(f"expected models of this library, got {type(item).__name__}")
    if isinstance(item, BookTop):
        sides = {"bid": item.bids, "ask": item.asks}
        return [{"side": side, **level._asdict()} for side, levels in sides.items() for level in levels]
    return [_row(item)]


def _row(item: BaseModel, before: str = "") -> Row:
    row: Row = {}
    for name, value in item:
        if isinstance(value, BaseModel):
            row |= _row(value, f"{before}{name}_")
        elif not isinstance(value, list | tuple | Mapping):
            row[before + name] = value
    return row


def _plain(value: Any, *, floats: bool) -> Any:
    match value:
        case Decimal():
            return float(value) if floats else value
        case Enum():
            return str(value)
        case _:
            return value


def _pandas(columns: Mapping[str, Sequence[Any]]) -> Any:
    pandas = _load("pandas")
    series = {name: pandas.Series(values, dtype=_pandas_kind(values)) for name, values in columns.items()}
    return pandas.DataFrame(series)


def _pandas_kind(values: Sequence[Any]) -> str | None:
    match _first(values):
        case bool():
            return "boolean"
        case int():
            return "Int64"
        case float():
            return "float64"
        case datetime():
            return "datetime64[us, UTC]"
        case timedelta():
            return "timedelta64[us]"
        case _:
            return "object"


def _polars(columns: Mapping[str, Sequence[Any]]) -> Any:
    polars = _load("polars")
    series = []
    for name, values in columns.items():
        exact = [format(one, "f") if isinstance(one, Decimal) else one for one in values]
        series.append(polars.Series(name, exact, dtype=_polars_kind(polars, exact)))
    return polars.DataFrame(series)


def _polars_kind(polars: Any, values: Sequence[Any]) -> Any:
    kinds = (
        (bool, polars.Boolean),
        (int, polars.Int64),
        (float, polars.Float64),
        (datetime, polars.Datetime("us", "UTC")),
        (timedelta, polars.Duration("us")),
        (type(None), polars.Null),
    )
    first = _first(values)
    return next((kind for of, kind in kinds if isinstance(first, of)), polars.String)


def _first(values: Sequence[Any]) -> Any:
    return next((one for one in values if one is not None), None)


def _load(library: str) -> Any:
    try:
        return import_module(library)
    except ModuleNotFoundError:
        how = from_a_checkout("client", library)
        raise ImportError(f"{library} is not installed: {how}") from None
