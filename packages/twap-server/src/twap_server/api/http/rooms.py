"""How many may be inside at once, of all and of one address, and who gives way when there is no room.

Pure counting. In: guests, and the moment in seconds of a clock that never goes back. Out: whether a guest may
enter. Who waits for nothing but its own client (an idle connection, a stream before its sign-in) gives way to
a newcomer, the one that waits longest first and strangers before those who have signed in; who is being
served never does. A stranger who has only just come gives way to an address that has fewer inside.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

STRANGER_BORNE_S: Final = 1.0
"""A stranger that waits shorter gives way to nobody: it has only just come."""
KNOWN_BORNE_S: Final = 6.0
"""The same of who has signed in; longer than clients keep an idle connection themselves."""


def nobody() -> None:
    """Give way where nobody is left to do so: who has gone is held by nothing."""


class Full(Enum):
    """What has no room."""

    ALL = "all"
    ADDRESS = "address"


class Guest:
    """One connection or stream."""

    __slots__ = ("give_way", "is_known", "site")

    def __init__(self, site: str | None, give_way: Callable[[], None]) -> None:
        """Args: site, whose it is, None where nobody can tell; give_way, ends it soon and never blocks."""
        self.site = site
        self.give_way = give_way
        self.is_known = False
        """Whether it has signed in."""


class Room:
    """Guests up to a number."""

    __slots__ = ("_borne", "_inside", "_most", "_waiting")

    def __init__(self, most: int, borne: tuple[float, float]) -> None:
        self._most = most
        self._borne = borne
        self._inside: set[Guest] = set()
        self._waiting: tuple[dict[Guest, float], dict[Guest, float]] = ({}, {})
        """Strangers and the known, since when; who waits longest comes first."""

    def __len__(self) -> int:
        return len(self._inside)

    @property
    def is_full(self) -> bool:
        return len(self._inside) >= self._most

    def add(self, guest: Guest) -> None:
        self._inside.add(guest)

    def discard(self, guest: Guest) -> None:
        self._inside.discard(guest)
        self.work(guest)

    def wait(self, guest: Guest, now: float) -> None:
        if guest in self._inside:
            self._waiting[guest.is_known].setdefault(guest, now)

    def work(self, guest: Guest) -> None:
        for waiting in self._waiting:
            waiting.pop(guest, None)

    def longest_waiting_stranger(self) -> Guest | None:
        return next(iter(self._waiting[False]), None)

    def leaver(self, now: float) -> Guest | None:
        """Who gives way, if anybody does."""
        for waiting, borne in zip(self._waiting, self._borne, strict=True):
            guest = next(iter(waiting), None)
            if guest is not None and waiting[guest] <= now - borne:
                return guest
        return None


class Rooms:
    """One room for all, and in it one for each address."""

    def __init__(
        self,
        most: int,
        most_of_one: int,
        *,
        borne: tuple[float, float] = (STRANGER_BORNE_S, KNOWN_BORNE_S),
    ) -> None:
        """Start empty.

        Args:
            most: of all.
            most_of_one: of those that share an address.
            borne: seconds that strangers, and the known, may wait before they give way.
        """
        self._most_of_one = most_of_one
        self._borne = borne
        self._all = Room(most, borne)
        self._of_site: dict[str, Room] = {}

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, guest: Guest, now: float) -> Full | None:
        """Let a guest in, or say what has no room; where one gave way, it has left already."""
        full = self._made_room(guest.site, now)
        if full is None:
            for room in self._rooms_of(guest, make=True):
                room.add(guest)
        return full

    def leave(self, guest: Guest) -> None:
        """A guest has gone; more than once changes nothing."""
        for room in self._rooms_of(guest):
            room.discard(guest)
        if guest.site is not None and not self._of_site.get(guest.site, True):
            del self._of_site[guest.site]

    def wait(self, guest: Guest, now: float) -> None:
        """A guest waits for its own client from now on, if it did not before."""
        for room in self._rooms_of(guest):
            room.wait(guest, now)

    def work(self, guest: Guest) -> None:
        """A guest is being served."""
        for room in self._rooms_of(guest):
            room.work(guest)

    def _made_room(self, site: str | None, now: float) -> Full | None:
        own = None if site is None else self._of_site.get(site)
        for room, full in ((own, Full.ADDRESS), (self._all, Full.ALL)):
            if room is not None and room.is_full:
                leaver = room.leaver(now)
                if leaver is None and full is Full.ALL:
                    leaver = self._hog(own)
                if leaver is None:
                    return full
                self.leave(leaver)
                leaver.give_way()
        return None

    def _hog(self, own: Room | None) -> Guest | None:
        """Of the address with most inside, if it has more than the newcomer's, the longest waiting stranger.

        So no address is denied its share by others that came first, however fast they come again.
        """
        largest = max(self._of_site.values(), key=len, default=None)
        if largest is None or len(largest) <= (len(own) if own is not None else 0) + 1:
            return None
        return largest.longest_waiting_stranger()

    def _rooms_of(self, guest: Guest, *, make: bool = False) -> tuple[Room, ...]:
        if guest.site is None:
            return (self._all,)
        own = self._of_site.get(guest.site)
        if own is None and make:
            own = self._of_site[guest.site] = Room(self._most_of_one, self._borne)
        return (self._all,) if own is None else (self._all, own)
