"""Use the twap paper-trading server from Python: market data, TWAP orders and their live feed.

::

    async with TwapClient(username="ada", password="...") as client:
        order = await client.orders.submit(
            exchange="binance", symbol="BTC-USDT", quantity="0.5", duration="10m", interval=5
        )

Names are imported when first used, so that the command line starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twap_client.client import TwapClient
    from twap_client.config import ClientConfig, MemoryTokenStore, Tokens, TokenStore
    from twap_client.errors import (
        ApiError,
        BadRequest,
        Conflict,
        ConnectFailed,
        ConnectionLost,
        InvalidSetting,
        InvalidValue,
        NaiveTime,
        NotAuthenticated,
        NotFound,
        NotPermitted,
        NotReady,
        ProtocolMismatch,
        RateLimited,
        RequestTimedOut,
        RevisionMismatch,
        RevisionMissing,
        ServerError,
        StillOpen,
        StreamClosed,
        StreamError,
        TransportError,
        TwapClientError,
        Unavailable,
        Unencodable,
        UsageError,
        WrongEventLoop,
    )
    from twap_client.order_fields import KEEP
    from twap_client.stream import (
        Disconnected,
        Gap,
        Reconnected,
        StreamItem,
        SubscriptionRefused,
        TwapStream,
    )
    from twap_models import __version__

__all__ = [
    "KEEP",
    "ApiError",
    "BadRequest",
    "ClientConfig",
    "Conflict",
    "ConnectFailed",
    "ConnectionLost",
    "Disconnected",
    "Gap",
    "InvalidSetting",
    "InvalidValue",
    "MemoryTokenStore",
    "NaiveTime",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "NotReady",
    "ProtocolMismatch",
    "RateLimited",
    "Reconnected",
    "RequestTimedOut",
    "RevisionMismatch",
    "RevisionMissing",
    "ServerError",
    "StillOpen",
    "StreamClosed",
    "StreamError",
    "StreamItem",
    "SubscriptionRefused",
    "TokenStore",
    "Tokens",
    "TransportError",
    "TwapClient",
    "TwapClientError",
    "TwapStream",
    "Unavailable",
    "Unencodable",
    "UsageError",
    "WrongEventLoop",
    "__version__",
]

_HOMES = {
    "TwapClient": "twap_client.client",
    "ClientConfig": "twap_client.config",
    "MemoryTokenStore": "twap_client.config",
    "TokenStore": "twap_client.config",
    "Tokens": "twap_client.config",
    "KEEP": "twap_client.order_fields",
    "Disconnected": "twap_client.stream",
    "Gap": "twap_client.stream",
    "Reconnected": "twap_client.stream",
    "StreamItem": "twap_client.stream",
    "SubscriptionRefused": "twap_client.stream",
    "TwapStream": "twap_client.stream",
    "__version__": "twap_models",
}


if not TYPE_CHECKING:  # a type checker would take any name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'twap_client' has no attribute {name!r}")
        return getattr(import_module(_HOMES.get(name, "twap_client.errors")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
