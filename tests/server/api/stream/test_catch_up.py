"""Catching up with order events: once for each reader however often it asks, and others in between."""

import asyncio
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import examples
from support.api.bodies import BODY
from support.api.desk import CHEAP
from support.api.live import Live, hear, say, serving
from twap_server.api.config import ApiConfig, StreamConfig
from twap_server.api.fair_queue import FairQueue, Rank
from twap_server.api.stream import order_feed
from twap_server.api.stream.order_feed import OrderFeed
from twap_server.domain.orders.order import OrderEvent
from twap_server.feed.bus import CatchUp

EVENTS = 450
OFTEN = ApiConfig(passwords=CHEAP, stream=StreamConfig(max_messages_per_second=1_000))


class Read:
    """What is read of the records, and how many at a time."""

    def __init__(self, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pages: list[tuple[str, int, int]] = []
        self.at_once = self.most_at_once = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self._events = live.orders.events
        monkeypatch.setattr(live.orders, "events", self.events)

    async def events(self, user_id: str, since: int, limit: int) -> list[OrderEvent]:
        self.pages.append((user_id, since, limit))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.go_on.wait()
            for _ in range(9):  # others would come in between if they were let in
                await asyncio.sleep(0)
            return await self._events(user_id, since, limit)
        finally:
            self.at_once -= 1


async def lived(live: Live, username: str = "ada", many: int = EVENTS) -> str:
    """A user with so many recorded events; gives the id."""
    headers = await live.user(username)
    await live.http.post("/orders/twap", json=BODY, headers=headers)
    (owner, order) = next(
        (user, made) for (user, _), made in live.orders.orders.items()
        if user == live.accounts.users_by_name[username].user_id
    )  # fmt: skip
    for _ in range(many - 1):
        live.orders.tell(owner, order, live=False)
    return owner


async def heard(socket: Any, kind: str) -> dict[str, Any]:
    while (message := await hear(socket))["type"] != kind:
        pass
    return message


async def test_asking_three_hundred_times_is_one_catch_up_for_each_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(OFTEN) as live, AsyncExitStack() as stack:
        await lived(live)
        sockets = [await stack.enter_async_context(live.stream()) for _ in range(8)]
        read = Read(live, monkeypatch)
        read.go_on.clear()
        for _ in range(38):
            for socket in sockets:
                await say(socket, type="subscribe", channel="orders", since=0)
        for socket in sockets:
            await say(socket, type="ping")
        while not read.pages:
            await asyncio.sleep(0)
        read.go_on.set()
        for socket in sockets:
            acks, seqs = 0, [0]
            while acks < 38 or seqs[-1] < EVENTS:
                message = await hear(socket)
                acks += message["type"] == "subscribed"
                if message["type"] == "order_event":
                    seqs.append(message["seq"])
            assert seqs[-EVENTS:] == list(range(1, EVENTS + 1)), "whole, once, in order"
        whole = -(-EVENTS // 100)
        assert len(read.pages) <= 8 * 3 * whole, "not 38 times"
        assert read.most_at_once == 1, "one of a user at a time"
        assert {limit for _, _, limit in read.pages} == {100}


async def test_others_have_their_turn_and_new_connections_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(OFTEN) as live, AsyncExitStack() as stack:
        eve, ada = await lived(live, "eve"), await lived(live, "ada", 3)
        read = Read(live, monkeypatch)
        page = read.events

        async def stuck(user_id: str, since: int, limit: int) -> list[OrderEvent]:
            if user_id == eve:
                await asyncio.Event().wait()
            return await page(user_id, since, limit)

        monkeypatch.setattr(live.orders, "events", stuck)
        for _ in range(8):
            socket = await stack.enter_async_context(live.stream("eve"))
            await say(socket, type="subscribe", channel="orders", since=0)
        async with live.stream("ada") as mine:
            await say(mine, type="subscribe", channel="orders", since=0)
            assert [(await heard(mine, "order_event"))["seq"] for _ in range(3)] == [1, 2, 3]
            assert {user for user, _, _ in read.pages} == {ada}


async def test_what_else_waits_goes_out_between_two_pages(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(live)
    async with live.stream() as socket:
        read = Read(live, monkeypatch)
        read.go_on.clear()
        await say(socket, type="subscribe", channel="orders", since=0)
        assert (await hear(socket))["type"] == "subscribed"
        await say(socket, type="subscribe", channel="book", exchange="binance", symbol="BTC-USDT")
        await say(socket, type="ping")
        while len(live.services.bus.book_topics()) == 0 or not read.pages:
            await asyncio.sleep(0)
        read.go_on.set()
        kinds = [(await hear(socket))["type"] for _ in range(EVENTS + 3)]
        assert set(kinds) == {"order_event", "subscribed", "book", "pong"}
        assert kinds[100:].index("order_event") < 5, "and it goes on"
        assert max(kinds.index(kind) for kind in ("subscribed", "book", "pong")) < 310


class Records:
    """Recorded events by number only."""

    def __init__(self) -> None:
        self.last = 10

    async def events(self, user_id: str, since: int, limit: int) -> list[Any]:
        return [Event(seq) for seq in range(since + 1, min(since + limit, self.last) + 1)]


class Event:
    def __init__(self, seq: int) -> None:
        self.seq = seq


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 12)),
        st.tuples(st.sampled_from(["record", "lose", *["read"] * 5]), st.just(0)),
        st.tuples(st.sampled_from(["read"] * 5 + ["stop"]), st.just(0)),
    ),
    max_size=60,
)


class Model:
    """A session whose reader takes one thing after another; tells what was sent, and what should be."""

    def __init__(self) -> None:
        self.records, self.sent = Records(), list[int]()
        self.queue: list[Any] = []
        queue = FairQueue(1, [Rank(at_once=1, waiting=9)], refusal="")
        self.feed = OrderFeed(self.records, self.send, page=3, queue=queue)  # type: ignore[arg-type]
        self.wanted: int | None = None
        self.asked = 0

    async def send(self, text: str) -> None:
        self.sent.append(int(text))

    async def ask(self, since: int) -> None:
        since = min(since, self.records.last)
        self.wanted = since if self.wanted is None else min(since, self.wanted)
        self.asked += 1
        self.queue.append(self.feed.ask(since))

    async def record(self, _: int) -> None:
        self.records.last += 1
        if self.wanted is not None:
            self.queue.append(Event(self.records.last))

    async def lose(self, _: int) -> None:
        self.records.last += 1

    async def read(self, _: int) -> None:
        item = self.queue.pop(0) if self.queue else None
        if isinstance(item, CatchUp):
            if await self.feed.go_on("ada", item):
                self.queue.append(item)
        elif item is not None:
            await self.feed.on_event("ada", item)

    async def stop(self, _: int) -> None:
        self.feed.stop()
        self.wanted, self.asked = None, 0
        self.sent.clear()


@given(STEPS)
@settings(deadline=None, max_examples=examples.of(300))
async def test_nothing_that_was_asked_for_is_lost_and_nothing_comes_twice_unasked(
    steps: list[tuple[str, int]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_feed, "_text", lambda event: str(event.seq))
        model = Model()
        for what, since in [*steps, ("record", 0)]:
            await getattr(model, what)(since)
        while model.queue:
            await model.read(0)
    sent = model.sent
    if model.wanted is None:
        assert sent == []
        return
    assert set(range(model.wanted + 1, model.records.last + 1)) <= set(sent)
    assert all(sent.count(seq) <= model.asked for seq in sent)
    steps_back = sum(after <= before for before, after in pairwise(sent))
    assert steps_back < model.asked, "in order, but for where it was asked to begin anew"
