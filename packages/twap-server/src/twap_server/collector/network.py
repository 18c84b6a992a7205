"""Open sockets and HTTP to exchanges: over the internet, or through whatever replaces it.

A replay puts a recording here; sessions, books and everything behind them notice no difference.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from twap_server.collector.config import CollectorConfig
from twap_server.collector.connection import Connection, opened
from twap_server.collector.proxies import ProxyTransport
from twap_server.domain.clock import Clock
from twap_server.domain.market.errors import FeedError
from twap_server.exchanges.base import Exchange, Stream

OpenSocket: TypeAlias = Callable[[Exchange, CollectorConfig, Clock], AbstractAsyncContextManager[Connection]]
"""Opens an exchange's WebSocket as ``opened`` does."""


def _ignore(error: FeedError) -> None:
    """Do nothing about a message that could not be read: the session does what is to be done."""


def _own_stream(exchange: Exchange) -> Stream:
    return exchange.new_stream()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The two ways to an exchange."""

    open_socket: OpenSocket = opened
    transport: Callable[[], httpx.AsyncBaseTransport] = ProxyTransport
    """Makes what carries requests over REST."""
    new_stream: Callable[[Exchange], Stream] = _own_stream
    """Begins what reads a connection's messages."""
    on_unreadable: Callable[[FeedError], None] = _ignore
    """Told why the message that was received last could not be read."""

    def open_http(self, config: CollectorConfig) -> httpx.AsyncClient:
        """Make a client for REST."""
        return httpx.AsyncClient(
            transport=self.transport(), timeout=config.http_timeout_s, follow_redirects=False
        )


INTERNET = Network()
