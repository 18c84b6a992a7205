"""Make the object of ccxt that speaks with an exchange, with the addresses that are wanted."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol
from urllib.parse import urlsplit

from twap_models.installing import from_a_checkout

_INSTALL = from_a_checkout("server", "ccxt")
_TIMEOUT_MS = 10_000


class CannotOpen(Exception):
    """Why there is no such exchange, in words for whoever chose it."""


class CcxtApi(Protocol):
    """What is used of ccxt's class of an exchange; all else of it is ccxt's own matter."""

    has: dict[str, Any]
    urls: dict[str, Any]
    timeframes: Mapping[str, str] | None
    precisionMode: int
    markets: Mapping[str, Mapping[str, Any]] | None

    async def load_markets(self, reload: bool = False) -> Mapping[str, Mapping[str, Any]]:
        """By symbol."""
        ...

    async def watch_order_book(self, symbol: str) -> Mapping[str, Any]:
        """Wait for a change, and give the whole book."""
        ...

    async def fetch_order_book(self, symbol: str) -> Mapping[str, Any]:
        """Ask for the whole book."""
        ...

    async def watch_trades(self, symbol: str) -> list[Mapping[str, Any]]:
        """Wait for new trades."""
        ...

    async def fetch_trades(self, symbol: str) -> list[Mapping[str, Any]]:
        """Ask for the newest trades."""
        ...

    async def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[Any]]:
        """Ask for candles."""
        ...

    async def un_watch_order_book(self, symbol: str) -> object:
        """Unsubscribe a book."""
        ...

    async def un_watch_trades(self, symbol: str) -> object:
        """Unsubscribe trades."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An exchange of ccxt."""

    api: CcxtApi
    version: str
    """Of ccxt."""


def opened(name: str, *, ws_url: str = "", rest_url: str = "") -> Opened:
    """Make the exchange; nothing is sent yet.

    ccxt's ``number`` stays ``float``: its books are sorted by that type, and texts would be sorted as texts.

    Raises:
        CannotOpen: ccxt is not installed, or knows no such exchange.
    """
    shape, version = _shape_of(name)
    api: CcxtApi = shape({"enableRateLimit": True, "timeout": _TIMEOUT_MS, "aiohttp_trust_env": True})
    api.has["fetchCurrencies"] = False  # of no use here, and a request more for each list of markets
    api.urls["api"] = _elsewhere(api.urls["api"], ws_url=ws_url, rest_url=rest_url)
    return Opened(api=api, version=version)


def _shape_of(name: str) -> tuple[Any, str]:
    try:
        import ccxt.async_support  # noqa: PLC0415 - an extra, and slow
        import ccxt.pro  # noqa: PLC0415
    except ImportError as error:
        why = "is not installed" if error.name == "ccxt" else f"cannot be imported ({error})"
        raise CannotOpen(f"ccxt {why}: {_INSTALL}") from None
    rooms: tuple[ModuleType, ...] = (ccxt.pro, ccxt.async_support)
    for room in rooms:
        if name in room.exchanges:
            return getattr(room, name), str(ccxt.__version__)
    near = difflib.get_close_matches(name, ccxt.async_support.exchanges, n=3, cutoff=0.5)
    hint = f", did you mean {' or '.join(near)}?" if near else ""
    raise CannotOpen(f"ccxt {ccxt.__version__} knows no exchange {name!r}{hint}")


def _elsewhere(urls: Any, *, ws_url: str, rest_url: str) -> Any:
    """Replace scheme, host and port of every address; its path stays, behind that of the replacement."""
    if isinstance(urls, Mapping):
        return {key: _elsewhere(one, ws_url=ws_url, rest_url=rest_url) for key, one in urls.items()}
    parts = urlsplit(urls) if isinstance(urls, str) else None
    if parts is None or parts.scheme not in ("http", "https", "ws", "wss"):
        return urls
    base = ws_url if parts.scheme in ("ws", "wss") else rest_url
    return base.rstrip("/") + parts.path if base else urls
