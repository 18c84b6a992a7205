"""All that is fuzzed."""

from collections.abc import Iterator
from contextlib import contextmanager

from fuzz import bodies, exchanges, recordings, wire
from fuzz.case import Parser


@contextmanager
def opened() -> Iterator[list[Parser]]:
    """Every parser of the wire; those of HTTP and ``/ws`` stand on a live app, as long as the block lasts."""
    with wire.opened() as served:
        yield [*served, *bodies.parsers(), *exchanges.parsers(), *recordings.parsers()]
