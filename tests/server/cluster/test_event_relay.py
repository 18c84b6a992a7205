"""cluster/event_relay.py: events come to the readers of a gateway, and what is lost is made up for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from support.changes import replace
from support.clocks import ALONE, LoopClock
from support.memory_messenger import Hub, MemoryMessenger
from support.orders import T0, order
from support.stores.orders import MemoryStore
from twap_models.enums import OrderEventType
from twap_server.api.fair_queue import FairQueue, Rank
from twap_server.api.stream.order_feed import OrderFeed
from twap_server.cluster.coding import encode
from twap_server.cluster.event_relay import EventRelay, EventTeller, EventTold
from twap_server.cluster.subjects import Subjects
from twap_server.domain.orders.order import Fill, OrderEvent
from twap_server.feed.bus import Bus, CatchUp, EncodedMessage, Inbox
from twap_server.feed.mailbox import Mailbox

pytestmark = ALONE
SUBJECTS = Subjects("test")


@dataclass
class Gateway:
    hub: Hub
    node: MemoryMessenger
    engine: MemoryMessenger
    bus: Bus
    store: MemoryStore
    relay: EventRelay
    reads: int = 0

    def happens(self, many: int = 1, *, fills: int = 0) -> None:
        """Recorded, then told."""
        teller = EventTeller(self.engine, SUBJECTS)
        for _ in range(many):
            event = _event(len(self.store.log) + 1, fills=fills)
            self.store.log.append(("ada", event))
            teller.publish("ada", event)


class Reader:
    """A stream client, as the API serves it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.sent: list[str] = []
        self._feed = OrderFeed(
            gateway.store, self._send, page=100, queue=FairQueue(1, [Rank(at_once=1, waiting=9)], refusal="")
        )
        self.inbox: Inbox = Mailbox[OrderEvent | EncodedMessage | CatchUp, EncodedMessage](capacity=1_000)

    async def run(self) -> None:
        self._gateway.bus.subscribe_orders("ada", self.inbox)
        last = await self._gateway.store.last_event_seq("ada")
        self.inbox.put(self._feed.ask(last))
        while True:
            match item := await self.inbox.get():
                case CatchUp():
                    while await self._feed.go_on("ada", item):
                        pass
                case OrderEvent():
                    await self._feed.on_event("ada", item)

    async def _send(self, text: str) -> None:
        self.sent.append(text)

    @property
    def seqs(self) -> list[int]:
        return [int(text.partition('"seq":')[2].partition(",")[0]) for text in self.sent]


@asynccontextmanager
async def gateway() -> AsyncIterator[tuple[Gateway, Reader]]:
    hub, bus, store = Hub(), Bus(), MemoryStore()
    node = hub.node()
    relay = EventRelay(bus=bus, messenger=node, subjects=SUBJECTS, reader=store, clock=LoopClock())
    made = Gateway(hub, node, hub.node(), bus, store, relay)
    reader = Reader(made)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(relay.run()), group.create_task(reader.run())]
        await asyncio.sleep(0.01)
        yield made, reader
        for task in tasks:
            task.cancel()


async def test_events_come_at_once_and_in_order() -> None:
    async with gateway() as (made, reader):
        made.happens(50)
        await asyncio.sleep(0.01)
        assert reader.seqs == list(range(1, 51))
        await asyncio.sleep(10)
        assert reader.seqs == list(range(1, 51)), "each once"


async def test_the_last_ones_lost_are_made_up_for_within_some_seconds() -> None:
    async with gateway() as (made, reader):
        made.happens(3)
        await asyncio.sleep(5)
        made.hub.loses = lambda subject: True
        made.happens(250)
        await asyncio.sleep(2.2)
        assert reader.seqs == list(range(1, 254))


async def test_what_happened_while_the_gateway_began_to_listen_is_not_lost() -> None:
    async with gateway() as (made, reader):
        made.hub.loses = lambda subject: True  # as before NATS knows of the subscription
        made.happens()
        made.hub.loses = lambda subject: False
        await asyncio.sleep(2.2)
        assert reader.seqs == [1]


async def test_when_nats_is_back_nobody_waits_two_seconds() -> None:
    async with gateway() as (made, reader):
        await asyncio.sleep(2.5)
        made.hub.is_up = False
        made.happens(5)
        made.node.come_back()
        await asyncio.sleep(0.2)
        assert reader.seqs == [1, 2, 3, 4, 5]


async def test_one_that_is_too_large_is_read_from_the_store() -> None:
    async with gateway() as (made, reader):
        await asyncio.sleep(2.5)
        made.happens(fills=20_000)
        ((_, body),) = made.hub.told
        assert len(body) < 100
        await asyncio.sleep(0.2)
        assert reader.seqs == [1]


async def test_one_of_another_version_is_read_from_the_store() -> None:
    async with gateway() as (made, reader):
        await asyncio.sleep(2.5)
        made.store.log.append(("ada", _event(1)))
        made.engine.publish(SUBJECTS.events("ada"), b"\x09" + encode(EventTold(1))[1:])
        await asyncio.sleep(0.2)
        assert reader.seqs == [1]


async def test_who_has_gone_is_followed_no_more() -> None:
    async with gateway() as (made, reader):
        assert [one.subject for one in made.hub.listening] == [SUBJECTS.events("ada")]
        made.bus.unsubscribe_orders("ada", reader.inbox)
        made.bus.unsubscribe_orders("bob", reader.inbox)
        await asyncio.sleep(0.01)
        assert not made.hub.listening
        made.bus.subscribe_orders("ada", reader.inbox)
        made.bus.unsubscribe_orders("ada", reader.inbox)
        made.bus.subscribe_orders("ada", reader.inbox)
        await asyncio.sleep(0.01)
        assert len(made.hub.listening) == 1


async def test_a_store_that_is_away_is_asked_again() -> None:
    async with gateway() as (made, reader):
        await asyncio.sleep(2.5)
        made.hub.loses = lambda subject: True
        made.happens()
        made.store.unreadable.add("ada")
        await asyncio.sleep(5)
        assert reader.seqs == []
        made.store.unreadable.clear()
        await asyncio.sleep(2.2)
        assert reader.seqs == [1]


def _event(seq: int, *, fills: int = 0) -> OrderEvent:
    made = replace(order(), terms=replace(order().terms, token_id=f"t{seq}"))
    fill = Fill(
        fill_id="f" * 40,
        slice_index=0,
        time=T0,
        exchange="binance",
        price=Decimal(1),
        quantity=Decimal(1),
        fee=Decimal(0),
    )
    return OrderEvent(seq=seq, type=OrderEventType.SLICE, time=T0, order=made, fills=(fill,) * fills)
