"""Define column types that keep every digit."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Numeric, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

ToColumn: TypeAlias = Callable[[Decimal | None], Any]
"""Writes an exact number, or none, as a database's driver wants it."""


class ExactDecimal(TypeDecorator[Decimal]):
    """A ``Decimal``, digit for digit: NUMERIC in PostgreSQL, plain text without exponent in SQLite.

    SQLite's own numbers lose digits and text does not sort, so values are never compared or summed in SQL.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of this database."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Write a value.

        Raises:
            ValueError: it is not a finite ``Decimal``.
        """
        return to_column(dialect.name)(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read a value back exactly."""
        return _read(value) if isinstance(value, str) else value


def to_column(dialect: str) -> ToColumn:
    """What writes a number for a database; it raises ``ValueError`` for what is not a finite ``Decimal``."""
    return _checked if dialect == "postgresql" else to_text


@lru_cache(maxsize=2_048)
def _read(text: str) -> Decimal:
    """Rows of one order say the same few numbers: in a hundred thousand of them each is kept once."""
    return Decimal(text)


def to_text(value: Decimal | None) -> str | None:
    """Write a number digit for digit, without an exponent.

    Raises:
        ValueError: it is not a finite ``Decimal``.
    """
    if value is None:
        return None
    if not isinstance(value, Decimal) or not value.is_finite():
        raise _not_finite(value)
    text = str(value)  # takes a quarter of the time of format, and differs only where it has an exponent
    return text if "E" not in text else format(value, "f")


def _checked(value: Decimal | None) -> Decimal | None:
    if value is not None and not (isinstance(value, Decimal) and value.is_finite()):
        raise _not_finite(value)
    return value


def _not_finite(value: object) -> ValueError:
    return ValueError(f"expected a finite Decimal, not {value!r}")
