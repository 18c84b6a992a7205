"""Admit or refuse each connection of the HTTP server, and count it until its socket is closed.

HTTP connections and streams have bounds of their own, of all and of one address. A connection counts before
it has sent a byte, and a stream as long as its socket lives. What a trusted proxy connects with says nothing
of whose it is: only the bound of all counts there, and the app counts by the address that is forwarded.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Self

from twap_server.api.config import ApiConfig
from twap_server.api.http.behind_proxy import is_within
from twap_server.api.http.connection_slots import ConnectionSlots, Full, SlotHolder, nobody
from twap_server.api.http.rate_limits import site_of
from twap_server.api.http.stalled import StalledConnections

log = logging.getLogger(__name__)

MOST_REFUSED: Final = 64
"""Connections that wait to be told that there is no room for them; more are cut off."""
_MOST_REFUSED_OF_ONE = 8
_TELL_EVERY_S = 60
_FEWEST = 16
"""Of any kind, however few files may be open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionBounds:
    """Connections at once."""

    http: int
    http_of_one: int
    streams: int
    streams_of_one: int

    @classmethod
    def of(cls, config: ApiConfig) -> Self:
        """What the settings say."""
        return cls(
            http=config.max_connections,
            http_of_one=config.max_connections_per_address,
            streams=config.stream.max_connections,
            streams_of_one=config.stream.max_per_address,
        )

    @property
    def most(self) -> int:
        """Of all kinds, those that are being refused included."""
        return self.http + self.streams + MOST_REFUSED

    def within(self, most: int) -> Self:
        """The same, made smaller in proportion where only so many fit."""
        if most >= self.most:
            return self
        share = max(0, most - MOST_REFUSED) / (self.http + self.streams)
        whole = {name: int(getattr(self, name)) for name in self.__slots__}
        small = {name: min(most, max(_FEWEST, int(most * share))) for name, most in whole.items()}
        return type(self)(**small)


class ConnectionGate:
    """Admits the connections of one server, within bounds."""

    def __init__(
        self,
        config: ApiConfig,
        *,
        bounds: ConnectionBounds | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Let in what the settings allow.

        Args:
            config: the settings.
            bounds: how many, if not as the settings say.
            now: seconds that never go back; None: the running event loop's.
        """
        bounds = bounds or ConnectionBounds.of(config)
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._trusted: Sequence[IPv4Network | IPv6Network] = config.trusted_proxies
        self._http = ConnectionSlots(bounds.http, bounds.http_of_one)
        self._streams = ConnectionSlots(bounds.streams, bounds.streams_of_one)
        self._refused = ConnectionSlots(MOST_REFUSED, _MOST_REFUSED_OF_ONE, borne=(0, 0))
        self._stalled = StalledConnections(config.write_timeout.total_seconds(), config.max_unread)
        self.refusals = 0
        """Connections and streams that found no room."""
        self._told = 0
        self._tell_at = 0.0

    @property
    def connections(self) -> int:
        """HTTP connections that are open."""
        return len(self._http)

    def arrive(self, transport: asyncio.Transport, give_way: Callable[[], None]) -> "HttpConnection":
        """Count a connection that was just accepted; it may find no room, see ``HttpConnection.full``."""
        peer = transport.get_extra_info("peername")
        host = peer[0] if isinstance(peer, tuple) else None
        site = None if host is None or is_within(host, self._trusted) else site_of(host)
        return HttpConnection(self, transport, SlotHolder(site, give_way))

    def sweep(self) -> None:
        """End what takes nothing, and say in the log how many found no room; called often."""
        now = self._now()
        self._stalled.sweep(now)
        more = self.refusals - self._told
        if more and now >= self._tell_at:
            log.warning(
                "connections refused for lack of room since the last line: %d; open: %d HTTP, %d streams",
                more,
                len(self._http),
                len(self._streams),
            )
            self._told, self._tell_at = self.refusals, now + _TELL_EVERY_S


class HttpConnection:
    """One connection, as the gate counts it."""

    def __init__(self, gate: ConnectionGate, transport: asyncio.Transport, holder: SlotHolder) -> None:
        """Come in, or be refused."""
        self._gate = gate
        self._holder = holder
        self._transport = transport
        self._slots = gate._http
        gate._stalled.add(transport)
        self.full = self._enter(gate._http)
        """What has no room for this connection; None: it is welcome."""
        self.may_be_told = True
        """Whether a refused connection is answered; otherwise there are too many of them."""
        if self.full is not None:
            holder.give_way = transport.abort  # it has said nothing yet, and another may
            self._slots = gate._refused
            self.may_be_told = gate._refused.enter(holder, gate._now()) is None
            gate._refused.wait(holder, gate._now())

    def upgrade(self) -> Full | None:
        """Count it as a stream from now on, if there is room for one more."""
        full = self._enter(self._gate._streams)
        if full is None:
            self._gate._http.leave(self._holder)
            self._slots = self._gate._streams
        return full

    def on_giving_way(self, give_way: Callable[[], None]) -> None:
        """How this connection ends where a newcomer takes its place."""
        self._holder.give_way = give_way

    def sign_in(self) -> None:
        """Somebody known uses this connection."""
        self._holder.is_known = True

    @property
    def is_known(self) -> bool:
        """Whether somebody has signed in over it."""
        return self._holder.is_known

    def look(self, *, is_working: bool) -> None:
        """Say whether it is being served, or waits for its client."""
        if is_working:
            self._slots.work(self._holder)
        elif self.full is None:
            self._slots.wait(self._holder, self._gate._now())

    def over(self) -> None:
        """The socket is gone."""
        self._slots.leave(self._holder)
        self._holder.give_way = nobody
        self._gate._stalled.discard(self._transport)

    def _enter(self, slots: ConnectionSlots) -> Full | None:
        full = slots.enter(self._holder, self._gate._now())
        if full is not None:
            self._gate.refusals += 1
        else:
            slots.wait(self._holder, self._gate._now())
        return full
