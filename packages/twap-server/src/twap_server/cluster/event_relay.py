"""Bring order events from the engines to the readers at a gateway. What is lost on the way is read again.

An event crosses once it is recorded, on its user's subject. A gateway listens for those users who have
readers there. Nothing tells that the last event was lost, so every two seconds the numbers of the last
recorded events are compared with those that came, and at once when the connection to NATS is back. A reader
who notices a gap reads what is missing itself (``api/stream/order_feed.py``): of many it is given the newest.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import Struct

from twap_server.cluster.coding import WrongVersion, decode, encode
from twap_server.cluster.messenger import MessageSubscription, Messenger
from twap_server.cluster.order_messages import EventMessage
from twap_server.cluster.subjects import Subjects
from twap_server.domain.clock import Clock
from twap_server.domain.errors import UnavailableError
from twap_server.domain.orders.order import OrderEvent
from twap_server.feed.bus import Bus

log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 2.0
_ON_ITS_WAY_S: Final = 0.1
"""An event that is recorded already may be on its way so long: it is not missed before."""
_MOST_AGAIN: Final = 100
"""Events of one user that are given again; readers find those before in the store."""
_LARGEST: Final = 900_000
"""Bytes of an event that crosses whole; of a larger one its number."""


class EventTold(Struct, frozen=True):
    """An event, or that there is one."""

    seq: int
    event: EventMessage | None = None


class RecordedEvents(Protocol):
    """Recorded events."""

    async def events(self, user_id: str, since: int, limit: int) -> Sequence[OrderEvent]:
        """A user's events with ``seq > since``, in order."""
        ...

    async def last_event_seqs(self, user_ids: Collection[str]) -> Mapping[str, int]:
        """The highest event seq of each of these users that has events."""
        ...


class EventTeller:
    """Implements the engine's ``EventSink``: tells the gateways."""

    def __init__(self, messenger: Messenger, subjects: Subjects) -> None:
        self._messenger, self._subjects = messenger, subjects

    def publish(self, user_id: str, event: OrderEvent) -> None:
        """See ``EventSink``."""
        body = encode(EventTold(event.seq, EventMessage.of(event)))
        if len(body) > _LARGEST:
            body = encode(EventTold(event.seq))
        self._messenger.publish(self._subjects.events(user_id), body)


@dataclass(slots=True)
class _FollowedUser:
    """A user with readers here."""

    listening: MessageSubscription
    relayed: int | None = None
    """Number of the last event that the readers were given; None: whatever they read themselves."""


class EventRelay:
    """Follows the users who have readers on the bus. Run ``run()`` beside it."""

    def __init__(
        self, *, bus: Bus, messenger: Messenger, subjects: Subjects, reader: RecordedEvents, clock: Clock
    ) -> None:
        """Args: reader: the store."""
        self._bus, self._messenger, self._subjects = bus, messenger, subjects
        self._reader, self._clock = reader, clock
        self._followed: dict[str, _FollowedUser] = {}
        self._turned: dict[str, None] = {}
        """Users whose first reader came, or whose last one went."""
        self._any_turned, self._look_now = asyncio.Event(), asyncio.Event()
        bus.on_orders_read = self._note
        messenger.on_return(self._look_now.set)

    async def run(self) -> None:
        """Follow, and make up for what was lost, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(), name="followed users")
            group.create_task(self._compare(), name="lost events")

    def _note(self, user_id: str) -> None:
        self._turned[user_id] = None
        self._any_turned.set()

    async def _follow(self) -> None:
        while True:
            await self._any_turned.wait()
            self._any_turned.clear()
            while self._turned:
                user_id = next(iter(self._turned))
                del self._turned[user_id]
                await self._turn(user_id)

    async def _turn(self, user_id: str) -> None:
        """Listen for a user, or no more, as it is now."""
        is_read, known = self._bus.are_orders_read(user_id), self._followed.get(user_id)
        if is_read and known is None:
            subject = self._subjects.events(user_id)
            listening = await self._messenger.listen(subject, lambda body: self._take(user_id, body))
            self._followed[user_id] = _FollowedUser(listening)
        elif known is not None and not is_read:
            del self._followed[user_id]
            await known.listening.end()

    def _take(self, user_id: str, body: bytes) -> None:
        try:
            told = decode(body, EventTold)
        except WrongVersion:
            self._look_now.set()  # it is read from the store
            raise
        if told.event is None:
            self._look_now.set()
        else:
            self._give(user_id, told.event.read())

    def _give(self, user_id: str, event: OrderEvent) -> None:
        self._bus.publish(user_id, event)
        followed = self._followed.get(user_id)
        if followed is not None and followed.relayed is not None:
            followed.relayed = max(followed.relayed, event.seq)

    async def _compare(self) -> None:
        while True:
            await self._clock.wait(self._look_now, _LOOK_EVERY_S)
            self._look_now.clear()
            try:
                await self._look()
            except UnavailableError as error:
                log.warning("order events that were lost could not be read: %s", error)

    async def _look(self) -> None:
        followed = dict(self._followed)
        if not followed:
            return
        last = await self._reader.last_event_seqs(list(followed))
        await self._clock.sleep(_ON_ITS_WAY_S)
        for user_id, seq in last.items():
            one = followed[user_id]
            relayed = seq - 1 if one.relayed is None else one.relayed
            one.relayed = max(relayed, one.relayed or 0)
            if seq > relayed:
                await self._give_again(user_id, max(relayed, seq - _MOST_AGAIN))

    async def _give_again(self, user_id: str, since: int) -> None:
        for event in await self._reader.events(user_id, since, _MOST_AGAIN):
            self._give(user_id, event)
