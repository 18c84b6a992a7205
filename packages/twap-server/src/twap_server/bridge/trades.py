"""Translate ccxt's trades, and leave out what was told before: exchanges repeat the newest after a break."""

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from twap_server.bridge.numbers import price_of, quantity_of
from twap_server.exchanges.ccxt import wire

_REMEMBERED: Final = 2_000


class NewTrades:
    """One symbol's, from the moment on at which somebody began to listen."""

    def __init__(self, symbol: str, size: Decimal, *, since_ms: int) -> None:
        """Args: size: base currency in one unit of the exchange's quantities."""
        self._symbol, self._size, self._since = symbol, size, since_ms
        self._told: deque[str] = deque(maxlen=_REMEMBERED)

    def of(self, trades: Iterable[Mapping[str, Any]]) -> wire.Trades | None:
        """Translate those that are new; None where none is.

        A trade of which ccxt does not say who took is left out: whose volume it is cannot be told.

        Raises:
            ValueError: a number cannot be read.
        """
        rows = [row for one in trades if one.get("side") in ("buy", "sell") and (row := self._row(one))]
        return wire.Trades(symbol=self._symbol, trades=rows) if rows else None

    def _row(self, trade: Mapping[str, Any]) -> wire.TradeRow | None:
        time = int(trade.get("timestamp") or 0)
        name = str(
            trade.get("id")
            or "|".join(str(trade.get(key)) for key in ("timestamp", "price", "amount", "side"))
        )
        if name in self._told or (time and time < self._since):
            return None
        self._told.append(name)
        return wire.TradeRow(
            id=name,
            price=price_of(trade.get("price")),
            quantity=quantity_of(trade.get("amount"), self._size),
            side=trade["side"],
            time=time,
        )
