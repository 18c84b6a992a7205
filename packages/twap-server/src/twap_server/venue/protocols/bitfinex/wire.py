"""Write Bitfinex's arrays: numbers, not texts.

A price has five significant figures. The sign of an amount is the side: of a level, or of a taker. The
checksum is the CRC32 of the best 25 levels, a bid and an ask in turn, prices and amounts as JavaScript writes
numbers, as a signed number. Manual: WebSocket v2 (books, checksum).
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import zip_longest
from zlib import crc32

from twap_server.venue import text
from twap_server.venue.book import Level, VenueBook
from twap_server.venue.candles import VenueTrade
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import usual
from twap_server.venue.source import Spec

_ASSETS = {"USDT": "UST"}
ASSET_NAMES = (("UST", "USDt"),)
_PLACES = {"BTC": 0, "ETH": 1}
"""Of a price with five significant figures."""
_CHECKED = 25
_SMALLEST_PLAIN = -6
"""Below 10 to this power JavaScript writes an exponent."""
_SIGN_BIT = 1 << 31


def spec_of(base: str, quote: str) -> Spec:
    """Give the instrument of two assets."""
    listed = usual(f"t{base}{_ASSETS.get(quote, quote)}", base, quote)
    places = _PLACES.get(base, listed.price_decimals)
    return replace(listed, price_decimals=places, step=1, min_qty=4_000, min_notional="0")


def number(value: int, decimals: int) -> str:
    """Write a scaled integer as JavaScript writes that number.

    >>> number(1_142_444, 6), number(-2, 0), number(20, 8), number(25, 8)
    ('1.142444', '-2', '2e-7', '2.5e-7')
    """
    sign, digits = "-" if value < 0 else "", str(abs(value)).rstrip("0")
    power = len(str(abs(value))) - 1 - decimals
    if not digits or power >= _SMALLEST_PLAIN:
        return sign + text.trimmed(abs(value), decimals)
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{sign}{mantissa}e{power}"


def level(one: Level, spec: Spec, *, sign: int) -> str:
    """Write a level: its price, how many orders it has, and its amount; 0 orders remove it."""
    price, there = one
    amount = number(sign * there, text.QTY_DECIMALS) if there else str(sign)
    return f"[{number(price, spec.price_decimals)},{1 if there else 0},{amount}]"


def levels(bids: Iterable[Level], asks: Iterable[Level], spec: Spec) -> list[str]:
    """Write the levels of both sides."""
    return [
        *(level(one, spec, sign=1) for one in bids),
        *(level(one, spec, sign=-1) for one in asks),
    ]


def changes(bids: Iterable[Level], asks: Iterable[Level], spec: Spec) -> list[str]:
    """Write changed levels one by one, what is gone first: no client's book is crossed meanwhile."""
    sided = [(one, 1) for one in bids] + [(one, -1) for one in asks]
    return [level(one, spec, sign=sign) for one, sign in sorted(sided, key=lambda pair: pair[0][1] > 0)]


def trade(made: VenueTrade, spec: Spec) -> str:
    """Write a trade: its id, time, amount and price."""
    amount = number(made.qty if made.taker_buys else -made.qty, text.QTY_DECIMALS)
    return f"[{made.id},{made.time // MILLISECOND},{amount},{number(made.price, spec.price_decimals)}]"


def checksum(book: VenueBook, spec: Spec) -> int:
    """Compute the checksum of a book."""
    parts: list[str] = []
    for bid, ask in zip_longest(book.bids.top(_CHECKED), book.asks.top(_CHECKED)):
        for one, sign in ((bid, 1), (ask, -1)):
            if one is not None:
                amount = number(sign * one[1], text.QTY_DECIMALS)
                parts += (number(one[0], spec.price_decimals), amount)
    proof = crc32(":".join(parts).encode("ascii"))
    return proof - 2 * _SIGN_BIT if proof & _SIGN_BIT else proof
