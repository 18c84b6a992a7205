"""Say which leases are meant, shortly: there are up to 64 partitions. Pure."""

from collections.abc import Iterator, Sequence

from twap_server.domain.ownership import lease_of_exchange, partition_of_lease

_EXCHANGE = lease_of_exchange("")


def listed(names: Sequence[str]) -> str:
    """``exchange binance and 3 partitions (0-1, 7)``."""
    exchanges = [name.removeprefix(_EXCHANGE) for name in names if name.startswith(_EXCHANGE)]
    partitions = sorted(partition_of_lease(name) for name in names if not name.startswith(_EXCHANGE))
    parts = [f"{_many(exchanges, 'exchange')} {', '.join(exchanges)}"] if exchanges else []
    if partitions:
        parts.append(f"{len(partitions)} {_many(partitions, 'partition')} ({', '.join(_ranges(partitions))})")
    return " and ".join(parts) or "nothing"


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
