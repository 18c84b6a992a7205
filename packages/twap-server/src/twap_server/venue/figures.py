"""Write prices, quantities and levels of an instrument as the exchanges do."""

from collections.abc import Iterable

from twap_server.venue import text
from twap_server.venue.book import Level
from twap_server.venue.source import Pair, Spec

MILLISECOND = 1_000_000


def price(value: int, spec: Spec) -> str:
    """Write a price with all its places."""
    return text.fixed(value, spec.price_decimals)


def short(value: int, spec: Spec) -> str:
    """Write a price without zeros at its end."""
    return text.trimmed(value, spec.price_decimals)


def quantity(value: int) -> str:
    """Write a quantity of the base without zeros at its end."""
    return text.trimmed(value, text.QTY_DECIMALS)


def worth(value: int, spec: Spec) -> str:
    """Write an amount of the quote currency without zeros at its end."""
    return text.trimmed(value, text.QTY_DECIMALS + spec.price_decimals)


def levels(side: Iterable[Level], spec: Spec) -> list[list[str]]:
    """Write levels as pairs of texts, both without zeros at their end."""
    return [[short(at, spec), quantity(there)] for at, there in side]


def padded(side: Iterable[Level], spec: Spec) -> list[list[str]]:
    """Write levels as pairs of texts, both with all their places."""
    return [[price(at, spec), text.fixed(there, text.QTY_DECIMALS)] for at, there in side]


def places(step: int) -> int:
    """Count the places of a step of quantities."""
    return len(quantity(step).partition(".")[2])


def last_price(pair: Pair) -> int:
    """Give the price of the last trade; of the best bid where nobody traded."""
    return pair.trades[-1].price if pair.trades else pair.book.bids.best or 0
