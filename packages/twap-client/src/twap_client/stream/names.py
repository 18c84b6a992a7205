"""Name what a stream can be subscribed to, and make the message that asks for it."""

from collections.abc import Iterable
from typing import Literal, TypeAlias, TypeVar

from twap_client._in_words import as_the_server, in_words
from twap_client.errors import UsageError
from twap_models.enums import AGGREGATE, Interval
from twap_models.names import split_market
from twap_models.stream import Subscribe

_T = TypeVar("_T")

ORDERS = "orders"
Depth: TypeAlias = Literal[10, 25, 100]
Candles: TypeAlias = str | tuple[str, str] | tuple[str, str, str]
"""``binance:BTC-USDT:1m``, or its parts; without an interval: 1m."""


def wanted(
    books: Iterable[str] = (),
    *,
    trades: Iterable[str] = (),
    klines: Iterable[Candles] = (),
    orders: bool = False,
    depth: Depth | None = None,
    own: bool | None = None,
) -> dict[str, Subscribe]:
    """The messages that ask for these, by names that tell them apart.

    Raises:
        UsageError: one of them is not written as it should be.
    """
    found: dict[str, Subscribe] = {}
    for name in _each(books):
        exchange, symbol = _market(name)
        with in_words(as_the_server):
            found[name] = Subscribe(channel="book", exchange=exchange, symbol=symbol, depth=depth, own=own)
    for name in _each(trades):
        exchange, symbol = _market(name)
        found[f"trades:{name}"] = Subscribe(channel="trades", exchange=exchange, symbol=symbol)
    for candles in _each(klines):
        asked = _candles(candles)
        found[f"klines:{asked.exchange}:{asked.symbol}:{asked.interval}"] = asked
    return found | ({ORDERS: Subscribe(channel="orders")} if orders else {})


def _each(names: Iterable[_T]) -> Iterable[_T | str]:
    """One name alone is one, not its letters."""
    return (names,) if isinstance(names, str) else names


def _market(name: str) -> tuple[str, str]:
    exchange, colon, symbol = split_market(name)
    if not (colon and exchange and symbol):
        raise UsageError(f"expected exchange:symbol, such as {AGGREGATE}:BTC-USDT, got {name!r}")
    return exchange, symbol


def _candles(given: Candles) -> Subscribe:
    parts = _parts(given) if isinstance(given, str) else list(given)
    if not (2 <= len(parts) <= 3 and all(parts)) or parts[0] == AGGREGATE:
        raise UsageError(f"expected exchange:symbol:interval, such as binance:BTC-USDT:1m, got {given!r}")
    interval = parts[2] if len(parts) == 3 else Interval.M1.value
    if interval not in {one.value for one in Interval}:
        known = ", ".join(one.value for one in Interval)
        raise UsageError(f"expected one of {known} as the interval of {given!r}")
    return Subscribe(channel="klines", exchange=parts[0], symbol=parts[1], interval=Interval(interval))


def _parts(given: str) -> list[str]:
    exchange, colon, rest = split_market(given)
    return [exchange, *rest.split(":")] if colon else [exchange]
