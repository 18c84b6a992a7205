"""Say who owns what where several nodes work: users are shared out over partitions, leases name the owners.

A lease has an epoch, which rises with each new owner. Whoever writes names its epoch, so an owner that was
paused and replaced can write nothing.
"""

from hashlib import md5
from typing import Final

from msgspec import Struct

from twap_server.domain.clock import SECOND, Nanos

PARTITIONS: Final = 64
"""Never changed: what is recorded does not say its partition, ``store/queries.py`` computes it in SQL."""
MOST_OFF: Final = SECOND
"""A node whose clock is further off than this from the database's owns nothing."""
_PARTITION: Final = "partition/"
_EPOCH_BITS: Final = 32


def partition_of(user_id: str) -> int:
    """The partition of a user, whose owner works the user's orders: by a digest that PostgreSQL has, too."""
    return md5(user_id.encode(), usedforsecurity=False).digest()[0] % PARTITIONS


def shown_seq(epoch: int, seq: int) -> int:
    """Number a book's states: the same on every node that reads it, and higher after each change of owner."""
    return (epoch << _EPOCH_BITS) + seq


def is_of_a_replica(book_seq: int) -> bool:
    """Whether a book with that number was another node's: the first epoch is 1."""
    return book_seq >> _EPOCH_BITS > 0


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


class Node(Struct, frozen=True, kw_only=True):
    """One process of several that work together."""

    node_id: str
    host: str
    roles: tuple[str, ...]
    version: str
    started: Nanos
    address: str = ""
    """Where it serves clients or operators; empty: nowhere."""
    remark: str = ""
    """Why it should own less than others, in words; empty: it need not."""
    silence: int = 0
    """Nanoseconds since it was last seen, by the database's clock."""


class Ownership(Struct, frozen=True, kw_only=True):
    """What the database says of one lease."""

    lease: Lease
    node_id: str
    """Who had it last; empty: it was given back."""
    left: int
    """Nanoseconds until it runs out, by the database's clock; 0 or less: it is free."""
