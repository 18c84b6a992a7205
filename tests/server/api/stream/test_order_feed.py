"""Order events on /ws: replay and live without loss or doubling; a slow reader."""

import asyncio

from websockets.asyncio.client import connect

from support.api.bodies import BODY
from support.api.desk import CHEAP
from support.api.live import Live, hear, say, serving
from twap_server.api.config import ApiConfig, StreamConfig


async def test_order_events_replay_then_live_without_loss_or_doubling(live: Live) -> None:
    headers = await live.user()
    owner = await live.owner()
    answer = await live.http.post("/orders/twap", json=BODY, headers=headers)
    assert answer.status_code == 201
    order = next(iter(live.orders.orders.values()))
    for _ in range(1_200):
        live.orders.tell(owner, order)
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="orders", since=1)
        ack = await hear(socket)
        assert (ack["type"], ack["seq"]) == ("subscribed", 1_201)
        seqs = []
        for turn in range(1_300):
            if turn % 13 == 0:
                live.orders.tell(owner, order, live=turn % 2 == 1)
            seqs.append((await hear(socket))["seq"])
        assert seqs == list(range(2, 1_302))


async def test_a_gap_in_live_events_is_filled_from_the_records(live: Live) -> None:
    async with live.stream() as socket:
        await live.http.post("/orders/twap", json=BODY, headers=await live.user())
        owner, order = await live.owner(), next(iter(live.orders.orders.values()))
        await say(socket, type="subscribe", channel="orders")
        assert (await hear(socket))["seq"] == 1
        live.orders.tell(owner, order, live=False)
        live.orders.tell(owner, order, live=False)
        live.orders.tell(owner, order)
        assert [(await hear(socket))["seq"] for _ in range(3)] == [2, 3, 4]


async def test_events_of_others_never_come(live: Live) -> None:
    async with live.stream("eve") as eve:
        await say(eve, type="subscribe", channel="orders", since=0)
        assert (await hear(eve))["seq"] == 0
        await live.http.post("/orders/twap", json=BODY, headers=await live.user("ada"))
        await say(eve, type="ping")
        assert (await hear(eve))["type"] == "pong"


async def test_a_slow_reader_is_closed_and_others_go_on() -> None:
    stream = StreamConfig.model_validate({"send_timeout": "PT0.2S", "max_messages_per_second": 100_000})
    async with serving(ApiConfig(passwords=CHEAP, stream=stream)) as live:
        await live.http.post("/orders/twap", json=BODY, headers=await live.user())
        owner, order = await live.owner(), next(iter(live.orders.orders.values()))
        for _ in range(30_000):
            live.orders.tell(owner, order, live=False)
        async with live.stream() as quick:
            slow = await connect(live.url, max_queue=1, compression=None)
            await say(slow, type="auth", token=await live.token())
            await say(slow, type="subscribe", channel="orders", since=0)
            async with asyncio.timeout(20):
                while len(live.services.sessions) > 1:
                    await say(quick, type="ping")
                    assert (await hear(quick))["type"] == "pong"
                    await asyncio.sleep(0.02)
            slow.transport.abort()
