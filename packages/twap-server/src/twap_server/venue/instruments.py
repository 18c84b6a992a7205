"""List the instruments of the simulated exchanges.

A recording holds messages, not the venue's list of instruments, so the figures here are noted from
the venues' own lists; a recorded symbol that is not among them gets figures that fit its messages.
"""

from collections.abc import Callable
from dataclasses import replace

from twap_server.venue.source import Spec

BINANCE = "binance"
KRAKEN = "kraken"
_QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "EUR", "TRY", "BTC", "ETH", "BNB")


def _spec(symbol: str, decimals: int, step: int, min_qty: int, minimum: str) -> Spec:
    base, quote = split(symbol)
    return Spec(
        symbol=symbol,
        base=base,
        quote=quote,
        price_decimals=decimals,
        step=step,
        min_qty=min_qty,
        min_notional=minimum,
    )


def split(symbol: str) -> tuple[str, str]:
    """Take the venue's own symbols apart; only this side of the wire may know them that well."""
    if "/" in symbol:
        base, _, quote = symbol.partition("/")
        return base, quote
    quote = next((quote for quote in _QUOTES if symbol.endswith(quote)), symbol[-3:])
    return symbol.removesuffix(quote), quote


# symbol, price decimals, lot step and least quantity (10^-8), least value
LISTED: dict[str, dict[str, Spec]] = {
    BINANCE: {
        "BTCUSDT": _spec("BTCUSDT", 2, 1_000, 1_000, "5"),
        "ETHUSDT": _spec("ETHUSDT", 2, 10_000, 10_000, "5"),
        "NKNUSDT": _spec("NKNUSDT", 4, 100_000_000, 100_000_000, "5"),
        "BLZETH": _spec("BLZETH", 8, 100_000_000, 100_000_000, "0.005"),
    },
    KRAKEN: {
        "BTC/USD": _spec("BTC/USD", 1, 1, 5_000, "0.5"),
        "BTC/USDT": _spec("BTC/USDT", 1, 1, 5_000, "0.5"),
        "ETH/USDT": _spec("ETH/USDT", 2, 1, 100_000, "0.5"),
    },
}


_FIGURES = {"BTC": (1, 1_000, 1_000, "5"), "ETH": (2, 10_000, 10_000, "5")}
"""Where no list of an exchange was noted: figures that are usual for an asset."""


def usual(symbol: str, base: str, quote: str, *, contract: int = 0) -> Spec:
    """Give an instrument with the figures that are usual for its base."""
    decimals, step, least, value = _FIGURES.get(base, (4, 10_000, 10_000, "5"))
    if contract:  # a hundredth of a contract can be traded
        step = least = contract // 100
    return Spec(
        symbol=symbol,
        base=base,
        quote=quote,
        price_decimals=decimals,
        step=step,
        min_qty=least,
        min_notional=value,
        contract=contract,
    )


def made_up(venue: str, symbol: str, base: str, quote: str) -> Spec:
    """Give the listed instrument, or one with usual figures."""
    return LISTED[venue].get(symbol) or usual(symbol, base, quote)


def perpetual(symbol: str, base: str, quote: str) -> Spec:
    """Give a perpetual that counts in its base, in thousandths."""
    listed = usual(symbol, base, quote)
    return replace(listed, step=10**5, min_qty=10**5, contract=10**8)


def with_dollars(base: str, quote: str, *, join: Callable[[str, str], str]) -> list[Spec]:
    """The instrument that is asked for, and BTC in dollars: the busiest one where dollars are traded."""
    quotes = dict.fromkeys((quote, "USD") if base == "BTC" else (quote,))
    return [usual(join(base, one), base, one) for one in quotes]


def find(venue: str, symbol: str) -> Spec:
    """Give the instrument of a recorded message: the listed one, or one with eight decimals everywhere."""
    listed = LISTED[venue].get(symbol)
    if listed is not None:
        return listed
    return _spec(symbol, 8, 1, 1, "0.5")
