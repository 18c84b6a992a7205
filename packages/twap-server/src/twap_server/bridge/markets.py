"""Describe ccxt's markets as instruments: spot, and swaps that are quoted and paid in like money. Pure.

Inverse, dated and optional contracts are left out, and swaps of which ccxt does not say what a contract is.
ccxt writes the steps of prices and quantities in three ways (``precisionMode``): as a step, as a number of
decimals, as a number of significant digits. In the last case a price has no constant step: the finest is
told, and the digits with it; the quantity's number counts decimals all the same.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from twap_server.bridge.numbers import ONE, decimal_of, quantity_of, text_of
from twap_server.exchanges.ccxt import wire

_DECIMAL_PLACES: Final = 2
_SIGNIFICANT_DIGITS: Final = 3
_FINEST: Final = "0.00000001"
_UNKNOWN: Final = "0"
_MOST_DIGITS: Final = 18


def listed(market: Mapping[str, Any], precision_mode: int) -> wire.Market | None:
    """Describe a market; None where it is none of ours.

    Raises:
        ValueError: one of its numbers cannot be read.
    """
    is_swap = bool(market.get("swap") and market.get("linear") and market.get("settle"))
    if not (market.get("spot") or is_swap) or (is_swap and market.get("contractSize") is None):
        return None
    size, digits = size_of(market), _digits(market, precision_mode)
    return wire.Market(
        symbol=market["symbol"],
        base=market["base"],
        quote=market["quote"],
        tick=_FINEST if digits else _step(_precision(market, "price"), precision_mode, ONE),
        lot=_step(_precision(market, "amount"), precision_mode, size),
        min_quantity=_least(market, "amount", size),
        min_notional=_least(market, "cost", ONE),
        status="inactive" if market.get("active") is False else "trading",
        settle=market["settle"] if is_swap else "",
        contract_size=text_of(size),
        price_digits=digits,
        alias="" if is_swap else str(market.get("id") or ""),
    )


def size_of(market: Mapping[str, Any]) -> Decimal:
    """Base currency in one unit of the exchange's quantities."""
    return decimal_of(market["contractSize"]) if market.get("swap") else ONE


def _precision(market: Mapping[str, Any], name: str) -> object:
    return (market.get("precision") or {}).get(name)


def _digits(market: Mapping[str, Any], mode: int) -> int:
    told = _precision(market, "price")
    if mode != _SIGNIFICANT_DIGITS or told is None:
        return 0
    return min(int(decimal_of(told)), _MOST_DIGITS)


def _step(told: object, mode: int, size: Decimal) -> str:
    if told is None:
        return _UNKNOWN
    if mode in (_DECIMAL_PLACES, _SIGNIFICANT_DIGITS):
        return quantity_of(ONE.scaleb(-int(decimal_of(told))), size)
    return quantity_of(told, size)


def _least(market: Mapping[str, Any], name: str, size: Decimal) -> str:
    told = ((market.get("limits") or {}).get(name) or {}).get("min")
    return _UNKNOWN if told is None else quantity_of(told, size)
