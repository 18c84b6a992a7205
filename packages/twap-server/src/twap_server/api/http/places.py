"""Places for streams, by the address that a trusted proxy tells; those before the sign-in are counted apart.

The doors count sockets beside it, by who is at their other end. On another ASGI server this is all there is.
"""

from collections.abc import Callable

from twap_server.api.config import StreamConfig
from twap_server.api.http.rate_limits import site_of
from twap_server.api.http.rooms import Full, Guest, Rooms, nobody
from twap_server.domain.clock import SECOND, Clock


class Places:
    """The places of one server. Streams that have not signed in cannot take those of streams that have."""

    def __init__(self, config: StreamConfig, clock: Clock) -> None:
        """Start empty."""
        self._clock = clock
        self._all = Rooms(config.max_connections, config.max_per_address)
        self._unsigned = Rooms(config.max_unsigned, config.max_unsigned_per_address)

    def take(self, address: str) -> "Place | Full":
        """Give a place to a stream from this address (empty: unknown), or say what has none."""
        place = Place(self, site_of(address) if address else None)
        now = self._clock.monotonic() / SECOND
        for rooms in (self._unsigned, self._all):
            full = rooms.enter(place.guest, now)
            if full is not None:
                place.leave()
                return full
            rooms.wait(place.guest, now)
        return place

    def sign_in(self, guest: Guest) -> None:
        """A stream has signed in: it makes room among those that have not, and gives way to nobody."""
        self._unsigned.leave(guest)
        self._all.work(guest)

    def leave(self, guest: Guest) -> None:
        """A stream has ended."""
        self._unsigned.leave(guest)
        self._all.leave(guest)


class Place:
    """One stream's place."""

    def __init__(self, places: Places, site: str | None) -> None:
        """Take it through ``Places``."""
        self._places = places
        self.guest = Guest(site, nobody)

    def on_giving_way(self, give_way: Callable[[], None]) -> None:
        """How the stream ends if a newcomer takes its place before it has signed in."""
        self.guest.give_way = give_way

    def sign_in(self) -> None:
        """The stream has signed in."""
        self._places.sign_in(self.guest)

    def leave(self) -> None:
        """The stream has ended; more than once changes nothing."""
        self._places.leave(self.guest)
        self.guest.give_way = nobody
