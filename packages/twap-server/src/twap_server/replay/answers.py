"""Answer subscriptions as the exchange would have. The recording was made by other requests.

In: a request as the adapter wrote it. Out: the exchange's own acknowledgements.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

Answer: TypeAlias = Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]]


def answers(exchange: str, request: str) -> list[bytes]:
    """Acknowledge a request; nothing for exchanges that need no answer."""
    make = _BY_EXCHANGE.get(exchange)
    return [] if make is None else [msgspec.json.encode(one) for one in make(msgspec.json.decode(request))]


def _binance(request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [{"result": None, "id": request["id"]}]


def _kraken(request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    method, number, params = request["method"], request["req_id"], request.get("params", {})
    if method == "ping":
        return [{"method": "pong", "req_id": number}]
    results = [{"symbol": symbol} for symbol in params["symbol"]] if "symbol" in params else [{}]
    return [
        {
            "method": method,
            "req_id": number,
            "success": True,
            "result": {"channel": params["channel"], **result},
        }
        for result in results
    ]


_BY_EXCHANGE: Final[dict[str, Answer]] = {"binance": _binance, "kraken": _kraken}
