"""Say which leases are meant, shortly: there are up to 64 partitions. Pure."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from twap_server.domain.ownership import (
    ExchangePart,
    Ownership,
    is_of_an_exchange,
    part_of_lease,
    partition_of_lease,
)


def listed(names: Sequence[str]) -> str:
    """``exchanges binance (parts 1-2 of 4), kraken and 3 partitions (0-1, 7)``."""
    parts = sorted(part_of_lease(name) for name in names if is_of_an_exchange(name))
    partitions = sorted(partition_of_lease(name) for name in names if not is_of_an_exchange(name))
    exchanges = list(_exchanges(parts))
    told = [f"{_many(exchanges, 'exchange')} {', '.join(exchanges)}"] if exchanges else []
    if partitions:
        told.append(f"{len(partitions)} {_many(partitions, 'partition')} ({', '.join(_ranges(partitions))})")
    return " and ".join(told) or "nothing"


def waiting(names: Collection[str], leases: Collection[Ownership]) -> str:
    """Why a node that wants leases of these names waits: others have an exchange in another division.

    Returns:
        Words; empty: it waits for nothing of that kind.
    """
    own = {part.exchange: part.of for part in map(part_of_lease, filter(is_of_an_exchange, names))}
    others = {
        part.exchange: part.of
        for part in map(part_of_lease, filter(is_of_an_exchange, _held(leases)))
        if part.of != own.get(part.exchange, part.of)
    }
    return "; ".join(
        f"other nodes collect {exchange} {_divided(of)}, this one is to do so {_divided(own[exchange])}: "
        "it waits until they have stopped (the setting cluster.split must be the same for all collectors)"
        for exchange, of in sorted(others.items())
    )


class HeldWords:
    """Says what a node holds, once that has changed and stayed so for a round: a line for many leases."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self._told: list[str] = []

    def after_round(self, held: Sequence[str]) -> str:
        """A line, or nothing. Call it about once a second."""
        before, self._seen = self._seen, sorted(held)
        if self._seen == self._told or self._seen != before:
            return ""
        self._told = self._seen
        return f"this node has {listed(self._told)}"


def _exchanges(parts: Sequence[ExchangePart]) -> Iterator[str]:
    for (exchange, of), those in groupby(parts, lambda part: (part.exchange, part.of)):
        numbers = [part.number for part in those]
        told = f" ({_many(numbers, 'part')} {', '.join(_ranges(numbers))} of {of})"
        yield exchange if of == 1 else exchange + told


def _held(leases: Collection[Ownership]) -> Iterator[str]:
    return (one.lease.name for one in leases if one.node_id and one.left > 0)


def _divided(of: int) -> str:
    return f"in {of} parts" if of > 1 else "unsplit"


def _many(things: Sequence[object], word: str) -> str:
    return word if len(things) == 1 else f"{word}s"


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """``0-3, 7`` of 0, 1, 2, 3, 7."""
    first = last = numbers[0]
    for number in (*numbers[1:], -1):
        if number == last + 1:
            last = number
            continue
        yield f"{first}-{last}" if last > first else str(first)
        first = last = number
