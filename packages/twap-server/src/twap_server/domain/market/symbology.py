"""Find an instrument by any spelling: BTC-USDT, BTCUSDT, btc/usdt, XBT/USD. Looked up, never cut apart.

A canonical name wins. Any other spelling may mean a canonical name (other separators, none, XBT for BTC) or
the exchange's own name; where these are two instruments, the spelling is refused. Over all exchanges only
canonical names count: what one exchange calls LUNA is LUNC on the others.

A perpetual is found only where it is named as one: BTC-USDT-PERP, BTCUSDTPERP, BTC/USDT-SWAP, or the
exchange's own name on that exchange. BTC-USDT is spot everywhere: no order for spot may end in a contract.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from twap_models.enums import InstrumentKind
from twap_server.domain.errors import UnknownSymbol
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.symbols import symbol_of

_ASSET_ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
"""Second names that are nobody's first name; an exchange's own names stand in its own description."""
_SECOND_NAMES = {name: alias for alias, name in _ASSET_ALIASES.items()}
_SEPARATORS = re.compile(r"[-/_:]")
_PERPETUAL_NAMES = ("PERP", "SWAP")
_ENDINGS = {InstrumentKind.SPOT: ("",), InstrumentKind.PERPETUAL: _PERPETUAL_NAMES}
"""What stands behind the two assets where nothing separates them."""

Found = tuple[Instrument, ...]
"""What a spelling fits: nothing, one, or several of which none can be chosen."""


class _Read(NamedTuple):
    """A spelling as it is looked up."""

    text: str
    canonical: str
    """With ``-`` and canonical asset names; empty where it has no separator."""


class Spellings:
    """The spellings of one exchange's instruments."""

    def __init__(self, instruments: Iterable[Instrument], clashing: Iterable[Instrument] = ()) -> None:
        """Args: clashing: instruments that share their canonical name, see ``listing.by_symbol``."""
        self._canonical: dict[str, Found] = {}
        self._joined: dict[str, Found] = {}
        self._own: dict[str, Found] = {}
        for one in (*instruments, *clashing):
            _add(self._canonical, one.id.symbol, one)
            for parts in product(_names(one.base), _names(one.quote), _ENDINGS[one.kind]):
                _add(self._joined, "".join(parts), one)
            for name in (one.native, *one.aliases):
                if one.kind is InstrumentKind.SPOT or name.upper() != symbol_of(one.base, one.quote):
                    _add(self._own, name, one)

    def find(self, spelling: str) -> Found:
        """What a spelling fits on this exchange, its own names included."""
        read = _read(spelling)
        if read.text in self._canonical:
            return self._canonical[read.text]
        return tuple(dict.fromkeys((*self._by_canonical_name(read), *self._own.get(read.text, ()))))

    def find_canonical(self, spelling: str) -> Found:
        """What a spelling fits without the exchange's own names."""
        read = _read(spelling)
        return self._canonical.get(read.text) or self._by_canonical_name(read)

    def is_canonical(self, spelling: str) -> bool:
        """Whether it is a canonical name as it stands."""
        return _read(spelling).text in self._canonical

    def own(self, spelling: str) -> Found:
        """What the exchange itself may mean by it, separators left out."""
        return self._own.get(_joined(spelling), ())

    def near(self, spelling: str) -> list[str]:
        """Canonical names that look like it."""
        joined = {_joined(symbol): symbol for symbol in self._canonical}
        close = difflib.get_close_matches(_joined(spelling[:40]), joined, n=5, cutoff=0.6)
        return [joined[one] for one in close]

    def _by_canonical_name(self, read: _Read) -> Found:
        return self._canonical.get(read.canonical, ()) if read.canonical else self._joined.get(read.text, ())


def the_one(spelling: str, found: Sequence[Instrument], where: str) -> Instrument:
    """The instrument that a spelling fits.

    Raises:
        UnknownSymbol: it fits several; the message says what to write instead.
    """
    if len(found) == 1:
        return found[0]
    names = dict.fromkeys(one.id.symbol for one in found)
    fits = " and ".join(f"{one.id.symbol} ({one.id.exchange}'s own {one.native})" for one in found)
    what_to_do = "write one of " + ", ".join(names) if len(names) > 1 else "neither can be chosen"
    raise UnknownSymbol(f"{spelling[:40]!r} fits {len(found)} instruments of {where}: {fits}; {what_to_do}")


def everywhere(spelling: str, lists: Mapping[str, Spellings]) -> list[Instrument]:
    """The instrument wherever it is listed, by its canonical name.

    Raises:
        UnknownSymbol: no exchange lists it, or the spelling fits several.
    """
    symbol = _canonical_symbol(spelling, lists)
    if symbol is None:
        raise UnknownSymbol(_listed_nowhere(spelling, lists))
    every = [fits for listed in lists.values() if (fits := listed.find_canonical(symbol))]
    return [fits[0] for fits in every if len(fits) == 1] or [the_one(spelling, every[0], "one exchange")]


def not_listed(spelling: str, exchange: str, lists: Mapping[str, Spellings]) -> str:
    """Say that nothing fits on an exchange, and who has it or what is near.

    Args:
        spelling: what was asked for.
        exchange: where.
        lists: of all exchanges whose lists are known, this one's among them.
    """
    listed = lists[exchange]
    said = f"{exchange} lists no instrument {spelling[:40]!r}"
    own = ", ".join(one.id.symbol for one in listed.own(spelling))
    if own:
        return f"{said}: what it calls so itself is {own} here"
    elsewhere = [name for name, other in lists.items() if other.find_canonical(spelling)]
    if elsewhere:
        return f"{said}; listed by {', '.join(elsewhere)}"
    near = listed.near(spelling)
    return said + (f"; did you mean {', '.join(near)}?" if near else "")


def _listed_nowhere(spelling: str, lists: Mapping[str, Spellings]) -> str:
    """Say that nothing fits on any of several exchanges, and what is near."""
    said = f"no exchange here lists an instrument {spelling[:40]!r}"
    own = [
        f"what {name} calls so itself is {one.id.symbol} here"
        for name, listed in lists.items()
        for one in listed.own(spelling)
    ]
    near = dict.fromkeys(one for listed in lists.values() for one in listed.near(spelling))
    hints = own or ([f"did you mean {', '.join(list(near)[:5])}?"] if near else [])
    return "; ".join((said, *hints))


def _canonical_symbol(spelling: str, lists: Mapping[str, Spellings]) -> str | None:
    """What a spelling means on these exchanges; None where none lists it."""
    if any(listed.is_canonical(spelling) for listed in lists.values()):
        return spelling.strip().upper()
    found = {one.id.symbol: one for listed in lists.values() for one in listed.find_canonical(spelling)}
    return the_one(spelling, list(found.values()), "these exchanges").id.symbol if found else None


@lru_cache(maxsize=4_096)
def _read(spelling: str) -> _Read:
    """Remembered: callers write the same few."""
    text = spelling.strip().upper()
    assets = _SEPARATORS.split(text)
    return _Read(text, _canonical(assets) if len(assets) > 1 else "")


def _canonical(assets: Sequence[str]) -> str:
    base, quote, *ending = assets
    if len(ending) == 1 and ending[0] in _PERPETUAL_NAMES:
        return symbol_of(_asset(base), _asset(quote), InstrumentKind.PERPETUAL)
    return "-".join(map(_asset, assets))


def _asset(name: str) -> str:
    return _ASSET_ALIASES.get(name, name)


def _names(asset: str) -> tuple[str, ...]:
    second = _SECOND_NAMES.get(asset)
    return (asset,) if second is None else (asset, second)


def _add(index: dict[str, Found], name: str, one: Instrument) -> None:
    known = index.get(name.upper(), ())
    if one not in known:
        index[name.upper()] = (*known, one)


def _joined(text: str) -> str:
    return _SEPARATORS.sub("", text.upper())
