"""Name rows of leases in statements, and the database's clock."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import BigInteger, Text, cast, column, extract, func, values

from twap_server.domain.clock import SECOND
from twap_server.domain.ownership import Lease
from twap_server.store.tables import leases

NOW: Final = cast(extract("epoch", func.clock_timestamp()) * SECOND, BigInteger)
"""The database's clock, read while the statement runs; ``now()`` is the begin of the transaction."""


def rows_of(held: Collection[Lease]) -> Any:
    """Leases as rows of a statement."""
    mine = values(column("name", Text), column("epoch", BigInteger), name="mine")
    return mine.data([(lease.name, lease.epoch) for lease in held])


def is_in(mine: Any) -> tuple[Any, ...]:
    """The rows of table ``leases`` that are these, with the epoch they have there."""
    return leases.c.name == mine.c.name, leases.c.epoch == mine.c.epoch
