"""watch in lines: every event of the order once, in order, up to the one that ends it, whatever breaks."""

import asyncio
import gc
from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from twap_client import ClientConfig, TwapClient
from twap_client.cli.session import Session
from twap_client.cli.watch import watch
from twap_client.testing import Reply, ScriptedServer, book, order
from twap_models import OrderEvent, OrderStatus, exact_json

BRIEF = timedelta(milliseconds=1)
WORKING, EXPIRED = (order("o-1", status=status) for status in (OrderStatus.WORKING, OrderStatus.EXPIRED))


class Watching:
    """One ``watch o-1`` of a scripted server, as ``twap watch`` runs it."""

    def __init__(self, server: ScriptedServer, *, as_json: bool = True) -> None:
        self.server = server
        self.as_json = as_json
        self.out = StringIO()
        self.err = StringIO()
        server._access["key"] = "ada"

    async def run(self) -> int:
        config = ClientConfig(
            base_url=self.server.url,
            api_key="key",
            retry_first=BRIEF,
            retry_cap=BRIEF,
            reconnect_first=BRIEF,
            reconnect_cap=BRIEF,
        )
        out, err = (Console(file=file, width=200) for file in (self.out, self.err))
        async with TwapClient(config=config) as client, asyncio.timeout(20):
            session = Session(client=client, server=config.base_url, as_json=self.as_json, out=out, err=err)
            with redirect_stdout(self.out):
                return await watch(session, "o-1", [])

    @property
    def messages(self) -> list[dict[str, object]]:
        return [exact_json.loads(line) for line in self.out.getvalue().splitlines()]

    @property
    def numbers(self) -> list[object]:
        return [message["seq"] for message in self.messages if message.get("type") == "order_event"]


def numbers(events: list[OrderEvent]) -> list[int]:
    return [event.seq for event in events if event.token_id == "o-1"]


async def turns(count: int) -> None:
    """Let the others go on for so many turns of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def play(server: ScriptedServer, steps: list[tuple[str, int]]) -> None:
    """Let an order go on to its end while connections break and the server comes and goes."""
    await server.requested("GET", "/orders/o-1/events")  # who cannot reach it at the start is told so
    for step, pause in steps:
        match step:
            case "slice":
                server.push_event("slice", WORKING)
            case "other":
                server.push_event("slice", order("o-2"))
            case "abort":
                server.feed.drop()
            case "close":
                server.feed.drop(1012)
            case "away":
                await server.stop()
                server.push_event("slice", WORKING)
                await turns(pause)
                await server.start()
        await turns(pause)
    server.push_event("ended", EXPIRED)


STEPS = st.tuples(st.sampled_from(["slice", "slice", "other", "abort", "close", "away"]), st.integers(0, 60))


@settings(max_examples=15, deadline=None)
@given(before=st.integers(0, 3), steps=st.lists(STEPS, max_size=12), as_json=st.booleans())
def every_event_is_printed_once(before: int, steps: list[tuple[str, int]], as_json: bool) -> None:
    async def example() -> None:
        async with ScriptedServer(bare=True) as server:
            server.push_event("accepted", WORKING)
            for _ in range(before):
                server.push_event("slice", WORKING)
            watching = Watching(server, as_json=as_json)
            async with asyncio.TaskGroup() as group:
                running = group.create_task(watching.run())
                group.create_task(play(server, steps))
            assert running.result() == 3
            if as_json:
                assert watching.numbers == numbers(server.feed.events)
                assert watching.messages[-1]["status"] == "Expired"
            else:
                lines = [line.split() for line in watching.out.getvalue().splitlines()]
                told = [words[2] for words in lines if words[0] == "12:00:00"]
                assert told == [event.event for event in server.feed.events if event.token_id == "o-1"]

    asyncio.run(example())


# Where the event loop ends while a connection is being accepted, asyncio leaves the socket to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_event_is_printed_once() -> None:
    every_event_is_printed_once()
    gc.collect()


async def test_the_order_seen_ended_does_not_cut_the_replay_short(server: ScriptedServer) -> None:
    server.push_event("accepted", WORKING)
    watching = Watching(server)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(watching.run())
        await server.subscribed("orders")
        server.push_event("slice", WORKING)
        await server.stop()
        for _ in range(5):
            server.push_event("slice", WORKING)
        server.push_event("ended", EXPIRED)
        await server.start()
    assert (running.result(), watching.numbers) == (3, [1, 2, 3, 4, 5, 6, 7, 8])


async def test_a_closed_order_is_told_from_what_is_recorded(server: ScriptedServer) -> None:
    for kind, about in (("accepted", WORKING), ("slice", WORKING), ("ended", EXPIRED)):
        server.push_event(kind, about)
    watching = Watching(server)
    assert (await watching.run(), watching.numbers) == (3, [1, 2, 3])
    assert not server.feed.received


async def test_a_database_of_an_earlier_moment_is_followed_too(server: ScriptedServer) -> None:
    server.push_event("accepted", WORKING)
    watching = Watching(server)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(watching.run())
        await server.subscribed("orders")
        for _ in range(3):
            server.push_event("slice", WORKING)
        while len(watching.numbers) < 4:
            await asyncio.sleep(0)
        await server.stop()
        del server.feed.events[2:]
        await server.start()
        await server.subscribed("orders", times=2)
        server.push_event("ended", EXPIRED)
    assert (running.result(), watching.numbers) == (3, [1, 2, 3, 4, 3])
    assert any(message["type"] == "gap" for message in watching.messages[:-1])


async def test_the_exit_code_stands_without_a_report(server: ScriptedServer) -> None:
    server.push_event("ended", EXPIRED)
    server.script("GET", "/orders/o-1/report", *[Reply(cut=True)] * 9)
    watching = Watching(server, as_json=False)
    assert await watching.run() == 3
    assert "twap report o-1" in watching.err.getvalue() and "Expired" in watching.out.getvalue()


@pytest.mark.parametrize("as_json", [True, False])
async def test_books_are_told_beside_the_events(server: ScriptedServer, as_json: bool) -> None:
    server.push_event("accepted", WORKING)
    watching = Watching(server, as_json=as_json)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(watching.run())
        await server.subscribed("orders", "binance:BTC-USDT")
        server.push_book(book())
        while "61837.63" not in watching.out.getvalue():
            await asyncio.sleep(0)
        server.push_event("ended", EXPIRED)
    assert running.result() == 3
