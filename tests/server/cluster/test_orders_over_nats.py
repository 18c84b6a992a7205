"""Gateways and engines over a real NATS: commands, long lists, events, a dead owner, a dead NATS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

import pytest

from support.nats import NatsServer
from support.partitions import ADA, PARTITION, OwnedStore
from support.stores.orders import MemoryStore
from support.trading import BTC, HandMarket, request
from twap_models.enums import OrderEventType, OrderStatus, Side
from twap_server.clock import SteadyClock, SystemClock
from twap_server.cluster.engine_role import EngineRole
from twap_server.cluster.event_relay import EventRelay
from twap_server.cluster.messenger import MessageSubscription, Reply
from twap_server.cluster.nats_messenger import NatsMessenger
from twap_server.cluster.remote_orders import RemoteOrders
from twap_server.cluster.subjects import Subjects
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import OrderNotFound, RevisionMismatch, UnavailableError
from twap_server.domain.orders.order import OrderEvent
from twap_server.domain.orders.terms import Amendment, OrderRequest
from twap_server.domain.ownership import Lease, lease_of_partition
from twap_server.engine.config import EngineConfig
from twap_server.engine.entry.results import SubmitResultKind
from twap_server.feed.bus import Bus, CatchUp, EncodedMessage
from twap_server.feed.mailbox import Mailbox

HOUR = 3_600 * SECOND
_SUBJECTS = count()


class Mortal(NatsMessenger):
    """Says nothing more from some moment on, though its connection is there."""

    is_dead = False

    async def answer(self, subject: str, reply: Reply) -> MessageSubscription:
        async def replied(question: bytes) -> bytes:
            answer = await reply(question)
            if self.is_dead:
                await asyncio.Event().wait()
            return answer

        return await super().answer(subject, replied)


@dataclass
class Nodes:
    url: str
    subjects: Subjects
    clock: SteadyClock
    store: MemoryStore
    orders: RemoteOrders
    inbox: Mailbox[OrderEvent | EncodedMessage | CatchUp, EncodedMessage]
    epoch: int = 0

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[tuple[OwnedStore, Mortal]]:
        """Somebody owns the partition while the block runs."""
        self.epoch += 1
        lease, numbers = Lease(lease_of_partition(PARTITION), self.epoch), count(1)
        store = OwnedStore(self.store, lease, lambda: self.epoch)
        async with Mortal.connected(self.url, name="engine") as messenger, asyncio.TaskGroup() as group:
            role = EngineRole(
                market=HandMarket(self.clock),
                make_store=lambda lease: store,
                takings=self.store,
                messenger=messenger,
                subjects=self.subjects,
                clock=self.clock,
                config=EngineConfig(),
                new_id=lambda: f"e{lease.epoch}-{next(numbers)}",
            )
            working = group.create_task(role.work(lease))
            yield store, messenger
            working.cancel()

    def request(self, token_id: str = "a", **change: object) -> OrderRequest:
        hours = {"start": self.clock.now() + HOUR, "end": self.clock.now() + 2 * HOUR}
        return request(self.clock.now(), token_id, **({**hours, "interval": 60 * SECOND} | change))

    async def heard(self, kind: OrderEventType) -> OrderEvent:
        """The next event of that kind that a reader at the gateway gets."""
        async with asyncio.timeout(20):
            while True:
                event = await self.inbox.get()
                if isinstance(event, OrderEvent) and event.type is kind:
                    return event


@asynccontextmanager
async def nodes_on(nats: NatsServer) -> AsyncIterator[Nodes]:
    subjects, clock, store = Subjects(f"o{next(_SUBJECTS)}"), SteadyClock(SystemClock()), MemoryStore()
    numbers, bus = count(1), Bus()
    inbox = Mailbox[OrderEvent | EncodedMessage | CatchUp, EncodedMessage](capacity=10_000)
    async with (
        NatsMessenger.connected(nats.url, name="gateway") as messenger,
        asyncio.TaskGroup() as group,
    ):
        orders = RemoteOrders(
            messenger=messenger,
            subjects=subjects,
            records=store,
            clock=clock,
            new_id=lambda: f"g{next(numbers)}",
        )
        relay = EventRelay(bus=bus, messenger=messenger, subjects=subjects, reader=store, clock=clock)
        tasks = [group.create_task(orders.run()), group.create_task(relay.run())]
        bus.subscribe_orders(ADA, inbox)
        yield Nodes(nats.url, subjects, clock, store, orders, inbox)
        for task in tasks:
            task.cancel()


async def test_commands_cross_and_their_events_come_back(nats: NatsServer) -> None:
    async with nodes_on(nats) as nodes, nodes.owner():
        (preview,) = await nodes.orders.preview(ADA, [nodes.request()], compare=True)
        assert preview.schedule is not None and len(preview.strategies) == 5
        (result,) = await nodes.orders.submit(ADA, [nodes.request()])
        assert result.kind is SubmitResultKind.NEW
        assert (await nodes.heard(OrderEventType.ACCEPTED)).order == result.order
        amended = await nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal("2.5")), revision=1)
        assert (await nodes.heard(OrderEventType.AMENDED)).order == amended
        with pytest.raises(RevisionMismatch):
            await nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal(3)), revision=1)
        with pytest.raises(OrderNotFound):
            await nodes.orders.cancel(ADA, "b")
        assert (await nodes.orders.cancel(ADA, "a")).status is OrderStatus.CANCELED
        assert (await nodes.heard(OrderEventType.ENDED)).order.status is OrderStatus.CANCELED


async def test_lists_beyond_a_message_of_nats_cross(nats: NatsServer) -> None:
    async with nodes_on(nats) as nodes, nodes.owner():
        requests = [nodes.request(f"t{number}", fingerprint="f" * 2_000) for number in range(1_000)]
        results = await nodes.orders.submit(ADA, requests)
        assert [one.order.terms.token_id for one in results] == [one.token_id for one in requests]
        again = await nodes.orders.submit(ADA, requests)
        assert {one.kind for one in again} == {SubmitResultKind.REPEAT}
        previews = await nodes.orders.preview(ADA, requests[:100], compare=True)
        assert [one.request.token_id for one in previews] == [one.token_id for one in requests[:100]]


async def test_an_owner_dies_between_commit_and_answer(nats: NatsServer) -> None:
    async with nodes_on(nats) as nodes, asyncio.TaskGroup() as group:
        async with nodes.owner() as (store, messenger):
            recorded = asyncio.Event()

            def die(writes: object) -> None:
                messenger.is_dead = True
                recorded.set()

            store.after_commit = die
            asking = group.create_task(nodes.orders.submit(ADA, [nodes.request()]))
            await recorded.wait()
        assert not asking.done()
        async with nodes.owner():
            (result,) = await asking
            assert result.kind is SubmitResultKind.NEW
            assert len(nodes.store.orders) == 1


async def test_nobody_is_there_and_then_somebody(nats: NatsServer) -> None:
    async with nodes_on(nats) as nodes:
        with pytest.raises(UnavailableError):
            await nodes.orders.submit(ADA, [nodes.request()])
        async with nodes.owner():
            await nodes.orders.submit(ADA, [nodes.request()])
        async with nodes.owner():
            assert (await nodes.orders.pause(ADA, "a")).status is OrderStatus.PAUSED


async def test_what_a_dead_nats_lost_is_made_up_for(own_nats: NatsServer) -> None:
    async with nodes_on(own_nats) as nodes, nodes.owner():
        now = nodes.clock.now()
        every = {"start": None, "end": now + 2 * SECOND, "interval": SECOND // 5}
        await nodes.orders.submit(ADA, [nodes.request("soon", **every)])
        await nodes.heard(OrderEventType.SLICE)
        own_nats.kill()
        async with asyncio.timeout(20):
            while nodes.store.log[-1][1].type is not OrderEventType.ENDED:
                await asyncio.sleep(0.01)
        own_nats.start()
        last = nodes.store.log[-1][1].seq
        assert (await nodes.heard(OrderEventType.ENDED)).seq == last, "a reader fills the gap before it"
        await nodes.orders.submit(ADA, [nodes.request()])
        assert (await nodes.heard(OrderEventType.ACCEPTED)).seq == last + 1


async def test_own_impact_is_asked_of_the_owner(nats: NatsServer) -> None:
    async with nodes_on(nats) as nodes, nodes.owner():
        await nodes.orders.submit(ADA, [nodes.request(start=None, interval=HOUR)])
        await nodes.heard(OrderEventType.SLICE)
        await nodes.orders.look(ADA, [BTC.id])
        taken = nodes.orders.own_taken(ADA, BTC.id, Side.BUY, [Decimal(100)])
        assert Decimal("0.4") < taken[Decimal(100)] <= Decimal("0.5")
