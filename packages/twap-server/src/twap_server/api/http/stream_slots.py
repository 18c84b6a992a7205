"""Limit how many streams one address may have open; count those that have not signed in apart.

The connection gate also counts the sockets, by their peer. On another ASGI server these are the only limits.
"""

from collections.abc import Callable

from twap_server.api.config import StreamConfig
from twap_server.api.http.connection_slots import ConnectionSlots, Full, SlotHolder, nobody
from twap_server.api.http.rate_limits import site_of
from twap_server.domain.clock import SECOND, Clock


class StreamSlots:
    """The places of one server. Streams that have not signed in cannot take those of streams that have."""

    def __init__(self, config: StreamConfig, clock: Clock) -> None:
        """Start empty."""
        self._clock = clock
        self._all = ConnectionSlots(config.max_connections, config.max_per_address)
        self._unsigned = ConnectionSlots(config.max_unsigned, config.max_unsigned_per_address)

    def take(self, address: str) -> "StreamSlot | Full":
        """Give a place to a stream from this address (empty: unknown), or say what has none."""
        slot = StreamSlot(self, site_of(address) if address else None)
        now = self._clock.monotonic() / SECOND
        for slots in (self._unsigned, self._all):
            full = slots.enter(slot.holder, now)
            if full is not None:
                slot.leave()
                return full
            slots.wait(slot.holder, now)
        return slot

    def sign_in(self, holder: SlotHolder) -> None:
        """A stream has signed in: it makes room among those that have not, and gives way to nobody."""
        self._unsigned.leave(holder)
        self._all.work(holder)

    def leave(self, holder: SlotHolder) -> None:
        """A stream has ended."""
        self._unsigned.leave(holder)
        self._all.leave(holder)


class StreamSlot:
    """One stream's place."""

    def __init__(self, stream_slots: StreamSlots, site: str | None) -> None:
        """Take it through ``StreamSlots``."""
        self._stream_slots = stream_slots
        self.holder = SlotHolder(site, nobody)

    def on_giving_way(self, give_way: Callable[[], None]) -> None:
        """How the stream ends if a newcomer takes its place before it has signed in."""
        self.holder.give_way = give_way

    def sign_in(self) -> None:
        """The stream has signed in."""
        self._stream_slots.sign_in(self.holder)

    def leave(self) -> None:
        """The stream has ended; more than once changes nothing."""
        self._stream_slots.leave(self.holder)
        self.holder.give_way = nobody
