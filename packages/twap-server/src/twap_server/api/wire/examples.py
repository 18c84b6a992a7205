"""Hold the example bodies of the OpenAPI document: each can be sent as it is."""

from typing import Any

_QUARTER: dict[str, Any] = {
    "token_id": "my-first-order",
    "exchange": "binance",
    "symbol": "BTCUSDT",
    "side": "buy",
    "quantity": 0.5,
    "price": 100000,
    "start_time": "now",
    "duration": "15m",
    "interval": 5,
}

ORDER_EXAMPLES: dict[str, Any] = {
    "quarter": {"summary": "Buy 0.5 BTC over 15 minutes, a slice every 5 seconds", "value": _QUARTER},
    "sixty": {
        "summary": "Sell in 60 equal slices, without a limit",
        "value": {
            "token_id": "sell-in-sixty",
            "exchange": "kraken",
            "symbol": "ETH/USD",
            "side": "sell",
            "quantity": "12.5",
            "duration": "1h",
            "slices": 60,
        },
    },
    "list": {
        "summary": "Two orders at once",
        "value": [
            {**_QUARTER, "token_id": "pair-1"},
            {**_QUARTER, "token_id": "pair-2", "symbol": "ETHUSDT", "quantity": 4, "price": 5000},
        ],
    },
}

STRATEGY_EXAMPLES: dict[str, Any] = {
    **ORDER_EXAMPLES,
    "vwap": {
        "summary": "In step with the market's usual volume",
        "value": {**_QUARTER, "token_id": "with-the-volume", "strategy": "vwap"},
    },
    "is": {
        "summary": "Early, by the trade-off between cost and risk",
        "value": {**_QUARTER, "token_id": "early", "strategy": "is", "urgency": "high"},
    },
    "pov": {
        "summary": "A tenth of what is traded",
        "value": {**_QUARTER, "token_id": "a-tenth", "strategy": "pov", "participation": 10},
    },
}
