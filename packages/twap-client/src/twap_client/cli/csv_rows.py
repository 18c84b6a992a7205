"""Write rows as CSV: every field of a model, exact, times in ISO 8601, in UTF-8, for it is read elsewhere."""

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO

from twap_models import exact_json
from twap_models.base import WireModel
from twap_models.fields import format_time
from twap_models.reading import number
from twap_models.spreadsheet import harmless

Row = Mapping[str, object]


def write_models(models: Sequence[WireModel]) -> None:
    """Write one row for each, under the names of its fields; those of a part after the part's name."""
    rows = [dict(_flat("", model.model_dump())) for model in models]
    names = list(dict.fromkeys(name for row in rows for name in row))
    # A part that is not there has no columns of its own.
    kept = [name for name in names if not any(other.startswith(f"{name}.") for other in names)]
    write_rows([kept, *([cell(row.get(name)) for name in kept] for row in rows)] if rows else [])


def write_rows(rows: Iterable[Sequence[str]]) -> None:
    """Write cells as they are."""
    text = StringIO()
    csv.writer(text).writerows(rows)
    sys.stdout.flush()
    data = text.getvalue()
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(data.encode())
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(data)


def cell(value: object) -> str:
    """Write one value; a text that a spreadsheet would run as a formula is made harmless."""
    match value:
        case None | "":
            return ""
        case bool() | int():
            return str(value).lower()
        case Decimal():
            return number(value)
        case datetime():
            return format_time(value)
        case list() | tuple():
            return _listed(value)
        case _:
            return harmless(str(value))


def _listed(values: Sequence[object]) -> str:
    if any(isinstance(value, dict | list | tuple) for value in values):
        return exact_json.dumps(values).decode()
    return harmless(" ".join(map(str, values)))


def _flat(prefix: str, fields: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value
