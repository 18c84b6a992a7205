"""Who may come in: every connection of the HTTP server, counted from its acceptance to its very end.

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
from twap_server.api.http.rate_limits import site_of
from twap_server.api.http.rooms import Full, Guest, Rooms, nobody
from twap_server.api.http.unread import Unread

log = logging.getLogger(__name__)

MOST_REFUSED: Final = 64
"""Connections that wait to be told that there is no room for them; more are cut off."""
_MOST_REFUSED_OF_ONE = 8
_TELL_EVERY_S = 60
_FEWEST = 16
"""Of any kind, however few files may be open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
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


class Doors:
    """The doors of one server."""

    def __init__(
        self,
        config: ApiConfig,
        *,
        bounds: Bounds | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Let in what the settings allow.

        Args:
            config: the settings.
            bounds: how many, if not as the settings say.
            now: seconds that never go back; None: the running event loop's.
        """
        bounds = bounds or Bounds.of(config)
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._trusted: Sequence[IPv4Network | IPv6Network] = config.trusted_proxies
        self._http = Rooms(bounds.http, bounds.http_of_one)
        self._streams = Rooms(bounds.streams, bounds.streams_of_one)
        self._refused = Rooms(MOST_REFUSED, _MOST_REFUSED_OF_ONE, borne=(0, 0))
        self._unread = Unread(config.write_timeout.total_seconds(), config.max_unread)
        self.refusals = 0
        """Connections and streams that found no room."""
        self._told = 0
        self._tell_at = 0.0

    @property
    def connections(self) -> int:
        """HTTP connections that are open."""
        return len(self._http)

    def arrive(self, transport: asyncio.Transport, give_way: Callable[[], None]) -> "Visit":
        """Count a connection that was just accepted; it may find no room, see ``Visit.full``."""
        peer = transport.get_extra_info("peername")
        host = peer[0] if isinstance(peer, tuple) else None
        site = None if host is None or is_within(host, self._trusted) else site_of(host)
        return Visit(self, transport, Guest(site, give_way))

    def sweep(self) -> None:
        """End what takes nothing, and say in the log how many found no room; called often."""
        now = self._now()
        self._unread.sweep(now)
        more = self.refusals - self._told
        if more and now >= self._tell_at:
            log.warning(
                "connections that found no room since the last such line: %d; open: %d HTTP, %d streams",
                more,
                len(self._http),
                len(self._streams),
            )
            self._told, self._tell_at = self.refusals, now + _TELL_EVERY_S


class Visit:
    """One connection, as the doors see it."""

    def __init__(self, doors: Doors, transport: asyncio.Transport, guest: Guest) -> None:
        """Come in, or be refused."""
        self._doors = doors
        self._guest = guest
        self._transport = transport
        self._room = doors._http
        doors._unread.add(transport)
        self.full = self._enter(doors._http)
        """What has no room for this connection; None: it is welcome."""
        self.may_be_told = True
        """Whether a refused connection is answered; otherwise there are too many of them."""
        if self.full is not None:
            guest.give_way = transport.abort  # it has said nothing yet, and another may
            self._room = doors._refused
            self.may_be_told = doors._refused.enter(guest, doors._now()) is None
            doors._refused.wait(guest, doors._now())

    def upgrade(self) -> Full | None:
        """Count it as a stream from now on, if there is room for one more."""
        full = self._enter(self._doors._streams)
        if full is None:
            self._doors._http.leave(self._guest)
            self._room = self._doors._streams
        return full

    def on_giving_way(self, give_way: Callable[[], None]) -> None:
        """How this connection ends where a newcomer takes its place."""
        self._guest.give_way = give_way

    def sign_in(self) -> None:
        """Somebody known uses this connection."""
        self._guest.is_known = True

    @property
    def is_known(self) -> bool:
        """Whether somebody has signed in over it."""
        return self._guest.is_known

    def look(self, *, is_working: bool) -> None:
        """Say whether it is being served, or waits for its client."""
        if is_working:
            self._room.work(self._guest)
        elif self.full is None:
            self._room.wait(self._guest, self._doors._now())

    def over(self) -> None:
        """The socket is gone."""
        self._room.leave(self._guest)
        self._guest.give_way = nobody
        self._doors._unread.discard(self._transport)

    def _enter(self, rooms: Rooms) -> Full | None:
        full = rooms.enter(self._guest, self._doors._now())
        if full is not None:
            self._doors.refusals += 1
        else:
            rooms.wait(self._guest, self._doors._now())
        return full
