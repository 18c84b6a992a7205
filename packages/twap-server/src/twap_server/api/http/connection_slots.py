"""Limit connections in total and per address, and choose which one is closed to admit another.

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


class SlotHolder:
    """One connection or stream."""

    __slots__ = ("give_way", "is_known", "site")

    def __init__(self, site: str | None, give_way: Callable[[], None]) -> None:
        """Args: site, whose it is, None where nobody can tell; give_way, ends it soon and never blocks."""
        self.site = site
        self.give_way = give_way
        self.is_known = False
        """Whether it has signed in."""


class SlotGroup:
    """Guests up to a number."""

    __slots__ = ("_borne", "_inside", "_most", "_waiting")

    def __init__(self, most: int, borne: tuple[float, float]) -> None:
        self._most = most
        self._borne = borne
        self._inside: set[SlotHolder] = set()
        self._waiting: tuple[dict[SlotHolder, float], dict[SlotHolder, float]] = ({}, {})
        """Strangers and the known, since when; who waits longest comes first."""

    def __len__(self) -> int:
        return len(self._inside)

    @property
    def is_full(self) -> bool:
        return len(self._inside) >= self._most

    def add(self, holder: SlotHolder) -> None:
        self._inside.add(holder)

    def discard(self, holder: SlotHolder) -> None:
        self._inside.discard(holder)
        self.work(holder)

    def wait(self, holder: SlotHolder, now: float) -> None:
        if holder in self._inside:
            self._waiting[holder.is_known].setdefault(holder, now)

    def work(self, holder: SlotHolder) -> None:
        for waiting in self._waiting:
            waiting.pop(holder, None)

    def longest_waiting_stranger(self) -> SlotHolder | None:
        return next(iter(self._waiting[False]), None)

    def leaver(self, now: float) -> SlotHolder | None:
        """Who gives way, if anybody does."""
        for waiting, borne in zip(self._waiting, self._borne, strict=True):
            holder = next(iter(waiting), None)
            if holder is not None and waiting[holder] <= now - borne:
                return holder
        return None


class ConnectionSlots:
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
        self._all = SlotGroup(most, borne)
        self._of_site: dict[str, SlotGroup] = {}

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, holder: SlotHolder, now: float) -> Full | None:
        """Let a guest in, or say what has no room; where one gave way, it has left already."""
        full = self._made_room(holder.site, now)
        if full is None:
            for group in self._groups_of(holder, make=True):
                group.add(holder)
        return full

    def leave(self, holder: SlotHolder) -> None:
        """A guest has gone; more than once changes nothing."""
        for group in self._groups_of(holder):
            group.discard(holder)
        if holder.site is not None and not self._of_site.get(holder.site, True):
            del self._of_site[holder.site]

    def wait(self, holder: SlotHolder, now: float) -> None:
        """A guest waits for its own client from now on, if it did not before."""
        for group in self._groups_of(holder):
            group.wait(holder, now)

    def work(self, holder: SlotHolder) -> None:
        """A guest is being served."""
        for group in self._groups_of(holder):
            group.work(holder)

    def _made_room(self, site: str | None, now: float) -> Full | None:
        own = None if site is None else self._of_site.get(site)
        for group, full in ((own, Full.ADDRESS), (self._all, Full.ALL)):
            if group is not None and group.is_full:
                leaver = group.leaver(now)
                if leaver is None and full is Full.ALL:
                    leaver = self._hog(own)
                if leaver is None:
                    return full
                self.leave(leaver)
                leaver.give_way()
        return None

    def _hog(self, own: SlotGroup | None) -> SlotHolder | None:
        """Of the address with most inside, if it has more than the newcomer's, the longest waiting stranger.

        So no address is denied its share by others that came first, however fast they come again.
        """
        largest = max(self._of_site.values(), key=len, default=None)
        if largest is None or len(largest) <= (len(own) if own is not None else 0) + 1:
            return None
        return largest.longest_waiting_stranger()

    def _groups_of(self, holder: SlotHolder, *, make: bool = False) -> tuple[SlotGroup, ...]:
        if holder.site is None:
            return (self._all,)
        own = self._of_site.get(holder.site)
        if own is None and make:
            own = self._of_site[holder.site] = SlotGroup(self._most_of_one, self._borne)
        return (self._all,) if own is None else (self._all, own)
