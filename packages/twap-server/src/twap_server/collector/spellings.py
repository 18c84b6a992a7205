"""The many spellings of one instrument: BTC-USDT, BTCUSDT, btc/usdt, XBT/USD. Looked up, never cut apart."""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from twap_server.domain.instrument import Instrument

_EXCHANGE_ALIASES = {"coinbasepro": "coinbase", "gdax": "coinbase"}
_LEG_ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
_SEPARATORS = re.compile(r"[-/_:]")


def exchange_name(spelling: str) -> str:
    """The canonical name of an exchange."""
    name = spelling.strip().lower()
    return _EXCHANGE_ALIASES.get(name, name)


def spellings_of(instruments: Iterable[Instrument]) -> dict[str, Instrument]:
    """Index by every unambiguous spelling; the exchange's own names win over names put together."""
    index: dict[str, Instrument] = {}
    every = list(instruments)
    for one in every:
        index.setdefault(one.id.symbol.upper(), one)
    for one in every:
        for name in (one.native, *one.aliases):
            index.setdefault(_joined(name), one)
            index.setdefault(name.upper(), one)
    for one in every:
        index.setdefault(_joined(one.id.symbol), one)
    return index


@lru_cache(maxsize=4_096)
def keys(spelling: str) -> tuple[str, ...]:
    """What a spelling may stand under in the index, likeliest first; callers write the same few."""
    text = spelling.strip().upper()
    legs = [_LEG_ALIASES.get(leg, leg) for leg in _SEPARATORS.split(text)]
    return text, "-".join(legs), "".join(legs), _joined(text)


def _joined(text: str) -> str:
    return _SEPARATORS.sub("", text.upper())


def not_listed(spelling: str, exchange: str, listed: Mapping[str, Instrument]) -> str:
    """Say that nothing fits, and what is near."""
    joined = {_joined(symbol): symbol for symbol in listed}
    near = difflib.get_close_matches(_joined(spelling[:40]), joined, n=5, cutoff=0.6)
    hint = f"; did you mean {', '.join(joined[one] for one in near)}?" if near else ""
    return f"{exchange} lists no instrument {spelling[:40]!r}{hint}"
