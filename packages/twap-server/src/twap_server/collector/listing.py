"""Check a list of instruments of which some entries were unreadable or share a name. Pure.

Nothing else suffers from such an entry. An instrument known from before stays known, so that nobody takes it
for delisted, and takes no new order until its entry can be read again: its facts may have changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from twap_server.domain.market.instrument import UNREADABLE, Instrument, takes_orders

_NAMED = 5
_MAX_NAME = 40


def by_symbol(instruments: Iterable[Instrument]) -> tuple[dict[str, Instrument], tuple[Instrument, ...]]:
    """Index a list by canonical symbol; second, those left out because several have the same one.

    Of several the one that trades is meant; where not exactly one does, none can be chosen.
    """
    named: dict[str, list[Instrument]] = {}
    for one in instruments:
        named.setdefault(one.id.symbol, []).append(one)
    chosen = {symbol: _meant(same) for symbol, same in named.items()}
    clashing = [one for symbol, same in named.items() if chosen[symbol] is None for one in same]
    return {symbol: one for symbol, one in chosen.items() if one is not None}, tuple(clashing)


def merged(
    found: Mapping[str, Instrument], left_out: Iterable[str], known: Mapping[str, Instrument]
) -> dict[str, Instrument]:
    """Return canonical symbol to instrument: those that were read, and those known before that were not."""
    every, unread = dict(found), set(left_out)
    for symbol, one in known.items():
        if symbol not in every and not unread.isdisjoint((one.native, *one.aliases)):
            every[symbol] = replace(one, status=UNREADABLE)
    return every


def in_words(left_out: Sequence[str]) -> str:
    """Say how many were left out, and which the first are."""
    names = ", ".join(repr(name[:_MAX_NAME]) for name in left_out[:_NAMED])
    more = ", …" if len(left_out) > _NAMED else ""
    return f"{len(left_out)} that cannot be read left out: {names}{more}"


def named_alike(clashing: Sequence[Instrument]) -> str:
    """Say which share a canonical name with another."""
    names = ", ".join(f"{one.native} ({one.id.symbol})" for one in clashing[:_NAMED])
    more = ", …" if len(clashing) > _NAMED else ""
    return f"{len(clashing)} left out, for each shares its canonical name with another: {names}{more}"


def _meant(same: Sequence[Instrument]) -> Instrument | None:
    if len(same) == 1:
        return same[0]
    trading = [one for one in same if takes_orders(one.status, limited=True)]
    return trading[0] if len(trading) == 1 else None
