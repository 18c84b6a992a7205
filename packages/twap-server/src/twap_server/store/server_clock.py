"""Read the clock of PostgreSQL, while the statement runs: ``now()`` is the begin of its transaction."""

from typing import Final

from sqlalchemy import BigInteger, ColumnElement, literal_column

NOW_SQL: Final = "CAST(extract(epoch FROM clock_timestamp()) * 1000000000 AS bigint)"
"""Nanoseconds since the epoch."""
NOW: Final[ColumnElement[int]] = literal_column(NOW_SQL, BigInteger)
"""The same, in statements that are built."""
