"""Read a list entry by entry: keep what can be read, and name what cannot."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from twap_server.domain.market.errors import WireFormatError

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entries(Generic[T]):
    """What could be read of a list, and the names of what could not."""

    found: list[T]
    left_out: tuple[str, ...] = ()

    def __add__(self, more: "Entries[T]") -> "Entries[T]":
        """Join what was read of two answers."""
        return Entries([*self.found, *more.found], (*self.left_out, *more.left_out))


def read_each(
    entries: Iterable[S], read: Callable[[S], T | None], *, name: Callable[[int, S], str]
) -> Entries[T]:
    """Read the entries of a list one by one, so that a bad one costs no other.

    Args:
        entries: as they stand in the list.
        read: raises WireFormatError where the entry cannot be read, returns None where it is not wanted.
        name: says which one it is, by its place and what it is.
    """
    found, left_out = [], []
    for place, entry in enumerate(entries):
        try:
            one = read(entry)
        except WireFormatError:
            left_out.append(name(place, entry))
        else:
            if one is not None:
                found.append(one)
    return Entries(found, tuple(left_out))
