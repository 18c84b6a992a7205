"""What to make of a list of which some entries could not be read. Pure.

Nothing else suffers from such an entry. An instrument known from before stays known, so that nobody takes it
for delisted, and takes no new order until its entry can be read again: its facts may have changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from twap_server.domain.entries import Entries
from twap_server.domain.instrument import Instrument

UNREADABLE: Final = "unreadable"
"""The status of an instrument whose entry cannot be read now."""

_NAMED = 5
_MAX_NAME = 40


def merged(listed: Entries[Instrument], known: Mapping[str, Instrument]) -> dict[str, Instrument]:
    """Return canonical symbol to instrument: those that were read, and those known before that were not."""
    found = {one.id.symbol: one for one in listed.found}
    unread = set(listed.left_out)
    for symbol, one in known.items():
        if symbol not in found and not unread.isdisjoint((one.native, *one.aliases)):
            found[symbol] = replace(one, status=UNREADABLE)
    return found


def in_words(left_out: Sequence[str]) -> str:
    """Say how many were left out, and which the first are."""
    names = ", ".join(repr(name[:_MAX_NAME]) for name in left_out[:_NAMED])
    more = ", …" if len(left_out) > _NAMED else ""
    return f"{len(left_out)} that cannot be read left out: {names}{more}"
