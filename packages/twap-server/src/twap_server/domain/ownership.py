"""Say who owns what where several nodes work: users are shared out over partitions, leases name the owners.

A lease has an epoch, which rises with each new owner. Whoever writes names its epoch, so an owner that was
paused and replaced can write nothing.
"""

from hashlib import md5
from typing import Final

from msgspec import Struct

PARTITIONS: Final = 64
"""Never changed: what is recorded does not say its partition, ``store/queries.py`` computes it in SQL."""
_PARTITION: Final = "partition/"


def partition_of(user_id: str) -> int:
    """The partition of a user, whose owner works the user's orders: by a digest that PostgreSQL has, too."""
    return md5(user_id.encode(), usedforsecurity=False).digest()[0] % PARTITIONS


class Lease(Struct, frozen=True, gc=False):
    """The right to one thing, as one node has it."""

    name: str
    """``partition/17``, ``exchange/binance``."""
    epoch: int
    """Above that of every owner before."""


def lease_of_partition(partition: int) -> str:
    """The name of a partition's lease."""
    return f"{_PARTITION}{partition}"


def partition_of_lease(name: str) -> int:
    """The partition that a lease of that name is for.

    Raises:
        ValueError: it is not for a partition.
    """
    if not name.startswith(_PARTITION):
        raise ValueError(f"{name} is no lease of a partition")
    return int(name.removeprefix(_PARTITION))


def lease_of_exchange(exchange: str) -> str:
    """The name of an exchange's lease."""
    return f"exchange/{exchange}"
