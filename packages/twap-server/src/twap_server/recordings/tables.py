"""Write rows into tables: CSV, or Parquet where pyarrow is installed (the extra ``parquet``).

Numbers stay exact. In CSV they are the decimal's own text; in Parquet ``decimal128(38, 18)``: at most 20
digits before the point and 18 behind it. A number that does not fit ends the writing.
"""

import csv
from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Protocol, Self, get_args, get_type_hints

from twap_models.installing import from_a_checkout
from twap_server.domain.clock import Nanos, to_iso
from twap_server.domain.errors import InvalidRequest

_DIGITS, _BEHIND = 38, 18
_TOGETHER: Final = 20_000
"""Rows that are written at once."""


class Tables(Protocol):
    """A folder of tables, one for each class of rows; a context manager that ends them."""

    ending: ClassVar[str]
    """Of its files' names."""

    def __init__(self, folder: Path, names: dict[type[Any], str]) -> None:
        """Args: folder: is there; names: of the files, by class of rows (named tuples)."""
        ...

    def add(self, row: tuple[Any, ...]) -> None:
        """Append a row, an instance of one of the classes."""
        ...

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all files."""
        ...


class CsvTables:
    """A file ``NAME.csv`` for each class of rows."""

    ending: ClassVar[str] = ".csv"

    def __init__(self, folder: Path, names: dict[type[Any], str]) -> None:
        """See ``Tables``."""
        self._stack = ExitStack()
        self._writers: dict[type[Any], Any] = {}
        self._moments: dict[type[Any], Sequence[bool]] = {}
        for kind, name in names.items():
            file = self._stack.enter_context((folder / f"{name}.csv").open("w", newline="", encoding="utf-8"))
            self._writers[kind] = csv.writer(file, lineterminator="\n")
            self._writers[kind].writerow(kind._fields)
            self._moments[kind] = [_is_moment(one) for one in get_type_hints(kind).values()]

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all files."""
        self._stack.close()

    def add(self, row: tuple[Any, ...]) -> None:
        """See ``Tables``."""
        kind = type(row)
        self._writers[kind].writerow(map(_text, row, self._moments[kind]))


class ParquetTables:
    """A file ``NAME.parquet`` for each class of rows."""

    ending: ClassVar[str] = ".parquet"

    def __init__(self, folder: Path, names: dict[type[Any], str]) -> None:
        """See ``Tables``.

        Raises:
            InvalidRequest: pyarrow is not installed.
        """
        if find_spec("pyarrow") is None:
            raise InvalidRequest(
                f"Parquet needs pyarrow: {from_a_checkout('server', 'parquet')}; or write --csv",
                field="--parquet",
            )
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._pa, self._stack = pa, ExitStack()
        self._rows: dict[type[Any], list[tuple[Any, ...]]] = {kind: [] for kind in names}
        self._schemas = {kind: _schema(pa, kind) for kind in names}
        self._writers = {
            kind: self._stack.enter_context(pq.ParquetWriter(folder / f"{name}.parquet", self._schemas[kind]))
            for kind, name in names.items()
        }

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left, and end all files."""
        with self._stack:
            if error is None:
                for one in self._rows:
                    self._write(one)

    def add(self, row: tuple[Any, ...]) -> None:
        """See ``Tables``.

        Raises:
            InvalidRequest: a number has too many digits.
        """
        rows = self._rows[type(row)]
        rows.append(row)
        if len(rows) >= _TOGETHER:
            self._write(type(row))

    def _write(self, kind: type[Any]) -> None:
        pa, schema = self._pa, self._schemas[kind]
        rows, self._rows[kind] = self._rows[kind], []
        try:
            columns = [
                pa.array(column, type=field.type)
                for column, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
        except pa.ArrowInvalid as error:
            raise InvalidRequest(
                f"a number has more than {_DIGITS - _BEHIND} digits before the point or {_BEHIND} behind it "
                f"({error}): write --csv, which has them as text",
                field="--parquet",
            ) from None
        if columns:
            self._writers[kind].write_table(pa.Table.from_arrays(columns, schema=schema))


def _schema(pa: Any, kind: type[Any]) -> Any:
    return pa.schema([(name, _type_of(pa, hint)) for name, hint in get_type_hints(kind).items()])


def _type_of(pa: Any, hint: Any) -> Any:
    if _is_moment(hint):
        return pa.timestamp("ns", tz="UTC")
    if hint is int:
        return pa.int32()
    return pa.decimal128(_DIGITS, _BEHIND) if Decimal in (hint, *get_args(hint)) else pa.string()


def _is_moment(hint: Any) -> bool:
    return Nanos in (hint, *get_args(hint))


def _text(value: Any, is_moment: bool) -> str:
    if value is None:
        return ""
    if is_moment:
        return to_iso(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
