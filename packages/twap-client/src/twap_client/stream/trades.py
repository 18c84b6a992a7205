"""Keep trades that a reader has not taken yet, and know which came before. Pure."""

from collections import deque

from twap_models import TradeMessage

_MOST_UNREAD = 1_000
_REMEMBERED = 200
"""Ids of one subscription: after a lost connection the server sends up to 50 again."""

Key = tuple[str, str, bool]


class UnreadTrades:
    """The newest thousand of each subscription, oldest first; the next one says how many were dropped."""

    def __init__(self) -> None:
        self._waiting: dict[Key, deque[TradeMessage]] = {}
        self._dropped: dict[Key, int] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, trade: TradeMessage) -> None:
        """Keep the newest."""
        key = key_of(trade)
        waiting = self._waiting.setdefault(key, deque())
        if len(waiting) >= _MOST_UNREAD:
            self._dropped[key] = self._dropped.get(key, 0) + 1 + waiting.popleft().left_out
        waiting.append(trade)

    def take(self) -> TradeMessage:
        """Take the oldest of a subscription; they take turns."""
        key, waiting = next(iter(self._waiting.items()))
        trade, dropped = waiting.popleft(), self._dropped.pop(key, 0)
        del self._waiting[key]
        if waiting:
            self._waiting[key] = waiting
        return trade.model_copy(update={"left_out": trade.left_out + dropped}) if dropped else trade


class SeenTrades:
    """Which trades came already."""

    def __init__(self) -> None:
        self._seen: dict[Key, dict[tuple[str, str], None]] = {}

    def accept(self, trade: TradeMessage) -> bool:
        """Decide whether a trade is new."""
        seen, name = self._seen.setdefault(key_of(trade), {}), (trade.exchange, trade.id)
        if name in seen:
            return False
        seen[name] = None
        if len(seen) > _REMEMBERED:
            del seen[next(iter(seen))]
        return True


def key_of(trade: TradeMessage) -> Key:
    """What tells subscriptions apart."""
    return ("" if trade.aggregate else trade.exchange, trade.symbol, trade.aggregate)
