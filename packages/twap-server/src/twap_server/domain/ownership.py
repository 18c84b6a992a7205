"""Say who owns what where several nodes work: users are shared out over partitions, leases name the owners.

A lease has an epoch, which rises with each new owner. Whoever writes names its epoch, so an owner that was
paused and replaced can write nothing.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import md5
from typing import Final

from msgspec import Struct

from twap_server.domain.clock import SECOND, Nanos

PARTITIONS: Final = 64
"""Never changed: what is recorded does not say its partition, ``store/queries.py`` computes it in SQL."""
TAKES_PARTS: Final = "takes-parts"
"""Among the roles of a node: it collects, and can take parts of an exchange; earlier releases cannot."""
MOST_OFF: Final = SECOND
"""A node whose clock is further off than this from the database's owns nothing."""
MOST_PARTS: Final = 64
"""Of one exchange."""
_PARTITION: Final = "partition/"
_EXCHANGE: Final = "exchange/"
_PART: Final = re.compile(r"exchange/([^/]+)(?:/(\d+)-of-(\d+))?", re.ASCII)
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
    """The name of the lease of an exchange that is not split."""
    return f"{_EXCHANGE}{exchange}"


def is_of_an_exchange(name: str) -> bool:
    """Whether a lease of that name is for an exchange, or a part of one."""
    return name.startswith(_EXCHANGE)


def is_of_a_part(name: str) -> bool:
    """Whether a lease of that name is for a part of an exchange that is split."""
    return is_of_an_exchange(name) and "/" in name.removeprefix(_EXCHANGE)


def whole_of(name: str) -> str:
    """The name of the lease of the whole exchange, of that of a part."""
    return lease_of_exchange(part_of_lease(name).exchange)


def part_of(symbol: str, of: int) -> int:
    """The part of an exchange that a symbol belongs to, 1 to ``of``: the same wherever it is asked for.

    Args:
        symbol: canonical.
        of: how many parts the exchange has.
    """
    if of == 1:
        return 1
    return int.from_bytes(md5(symbol.encode(), usedforsecurity=False).digest()[:8]) % of + 1


class ExchangePart(Struct, frozen=True, order=True, gc=False):
    """Those symbols of an exchange that one collector collects: all of them, or one part of several.

    The division, into how many parts, is the same for all of an exchange at any time; a lease of one is only
    taken once no lease of another is held (``store/part_leases.py``).
    """

    exchange: str
    of: int = 1
    """How many parts the exchange has; 1: it is not split."""
    number: int = 1
    """1 to ``of``."""

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the exchange."""
        return self.of == 1

    @property
    def label(self) -> str:
        """Which part it is, as in the names of leases: ``2-of-4``; empty: all of the exchange."""
        return "" if self.is_whole else f"{self.number}-of-{self.of}"

    @property
    def lease(self) -> str:
        """The name of its lease: ``exchange/binance``, ``exchange/binance/2-of-4``."""
        return "/".join(filter(None, (lease_of_exchange(self.exchange), self.label)))

    def has(self, symbol: str) -> bool:
        """Whether a canonical symbol belongs to it."""
        return part_of(symbol, self.of) == self.number

    def __str__(self) -> str:
        return self.exchange if self.is_whole else f"{self.exchange} (part {self.number} of {self.of})"


def parts_of(exchange: str, of: int) -> list[ExchangePart]:
    """All parts of an exchange."""
    return [ExchangePart(exchange, of, number) for number in range(1, of + 1)]


def part_of_lease(name: str) -> ExchangePart:
    """The part of an exchange that a lease of that name is for.

    Raises:
        ValueError: it is for none.
    """
    found = _PART.fullmatch(name)
    if found is None:
        raise ValueError(f"{name} is no lease of an exchange")
    exchange, number, of = found.groups(default="1")
    return ExchangePart(exchange, int(of), int(number))


class Node(Struct, frozen=True, kw_only=True):
    """One process of several that work together."""

    node_id: str
    host: str
    roles: tuple[str, ...]
    """What it does, and ``TAKES_PARTS``."""
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


def of_present_divisions(leases: Iterable[Ownership]) -> list[Ownership]:
    """Without the leases of divisions that were given up for another one: nobody lacks those."""
    every = list(leases)
    newest: dict[str, tuple[int, int]] = {}
    for one in every:
        if is_of_an_exchange(one.lease.name):
            part = part_of_lease(one.lease.name)
            newest[part.exchange] = max(newest.get(part.exchange, (0, 0)), (one.lease.epoch, part.of))
    return [one for one in every if not is_of_an_exchange(one.lease.name) or _is_present(one, newest)]


def _is_present(one: Ownership, newest: Mapping[str, tuple[int, int]]) -> bool:
    part = part_of_lease(one.lease.name)
    return newest[part.exchange][1] == part.of
