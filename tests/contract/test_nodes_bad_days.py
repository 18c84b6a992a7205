"""Bad days of several nodes: each has a sentence in the log and at ``/ready``, and loses nothing."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from support import nats, postgres
from support.children import environment
from support.live import PASSWORD, signed_in, until_listed
from support.postgres import PostgresServer
from support.several_nodes import Place, place, process_of, ready, running, until_held, until_ready
from twap_client import NotFound, TwapClient, Unavailable
from twap_models import BookMessage, OrderEvent, OrderStatus, TwapOrderDetail, __version__
from twap_server import bootstrap
from twap_server.clock import SystemClock
from twap_server.cluster.coding import VERSION, encode
from twap_server.cluster.config import Role
from twap_server.cluster.messenger import NoAnswer
from twap_server.cluster.nats_messenger import NatsMessenger
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.ownership import PARTITIONS, ExchangePart

WHY_NOT = nats.why_not() or postgres.why_not()
pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "-")]

ALL = (Role.COLLECTOR, Role.ENGINE, Role.GATEWAY)
HOUR = 3_600 * SECOND
BOOK = InstrumentId("binance", "BTC-USDT")


async def submit(client: TwapClient, token_id: str, *, duration: float = 12, slices: int = 24) -> None:
    await client.orders.submit(
        exchange="binance", symbol="BTCUSDT", side="buy", quantity="0.2", token_id=token_id,
        duration=duration, slices=slices,
    )  # fmt: skip


async def until_filled(client: TwapClient, token_id: str, *, more_than: Decimal = Decimal(0)) -> Decimal:
    async with asyncio.timeout(30):
        while (order := await client.orders.get(token_id)).filled_quantity <= more_than:
            await asyncio.sleep(0.05)
    return order.filled_quantity


async def told_until_ended(client: TwapClient, *token_ids: str) -> list[OrderEvent]:
    """Every event from the first, until all these orders have ended."""
    told, left = list[OrderEvent](), set(token_ids)
    async with asyncio.timeout(60):
        async for message in client.stream(orders=True, since=0):
            if isinstance(message, OrderEvent):
                told.append(message)
                if not message.order.status.is_open:
                    left -= {message.order.token_id}
                if not left:
                    break
    return told


async def until_live(client: TwapClient) -> BookMessage:
    """The book, once it is live."""
    async with asyncio.timeout(30):
        async for message in client.stream(["binance:BTC-USDT"]):
            if isinstance(message, BookMessage) and message.status == "live":
                return message
    raise AssertionError("the stream ended")


def check_whole(order: TwapOrderDetail, told: Sequence[OrderEvent]) -> None:
    """Nothing is missing, nothing is there twice."""
    assert [one.seq for one in told] == list(range(1, len(told) + 1))
    assert [piece.index for piece in order.slices] == list(range(len(order.slices)))
    assert order.filled_quantity == sum((one.quantity for one in order.fills), Decimal(0)) > 0


async def check_outage(
    urls: Sequence[str], client: TwapClient, words: str, *, end: Callable[[], None]
) -> None:
    """While something is away every node says so, and nothing is taken on; then all goes on by itself."""
    for url in urls:
        await until_ready(url, 503, words)
    with pytest.raises(Unavailable):
        await submit(client, "refused")
    await asyncio.to_thread(end)
    for url in urls:
        await until_ready(url, 200)


def lines(caplog: pytest.LogCaptureFixture, words: str) -> int:
    """How often it was said."""
    return sum(words in one.getMessage() for one in caplog.records)


@pytest.mark.parametrize("role", ALL)
async def test_without_nats_or_a_database_a_node_says_what_to_do(
    role: Role, postgres: PostgresServer
) -> None:
    nowhere = "127.0.0.1:9"
    with postgres.database() as database:
        async with asyncio.TaskGroup() as group:
            no_nats = group.create_task(refusal(role, f"nats://ada:secret@{nowhere}", database))
            no_database = group.create_task(
                refusal(role, "nats://127.0.0.1:9", f"postgresql://twap:secret@{nowhere}/twap")
            )
    assert f"NATS cannot be reached at {nowhere}" in no_nats.result()
    assert "start nats-server, or name another with --nats" in no_nats.result()
    assert "the database cannot be used: nothing listens at its address" in no_database.result()


async def refusal(role: Role, nats: str, database: str) -> str:
    """The last line of a node that cannot start."""
    node = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twap_server", "node", "--role", role, "--port", "0",
        "--exchange", "binance", "--nats", nats, "--database", database,
        env=environment(TWAP_SIGNING_KEY="k" * 32),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, told = await node.communicate()
    assert (node.returncode, out) == (1, b""), told
    assert b"Traceback" not in told and b"secret" not in told
    return told.decode().splitlines()[-1]


async def test_nats_goes_away_and_comes_back(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with place(postgres) as where, running(where, *ALL) as urls, signed_in(urls[-1]) as client:
        await until_listed(urls[-1], "binance")
        await submit(client, "long", duration=20, slices=40)
        before = await until_filled(client, "long")
        where.nats.kill()
        await check_outage(urls, client, "NATS cannot be reached", end=where.nats.start)
        assert "was lost and is back" in (await ready(urls[-1]))[1]
        await submit(client, "refused", duration=2, slices=4)
        await until_filled(client, "long", more_than=before)
        told = await told_until_ended(client, "long", "refused")
        check_whole(await client.orders.get("long"), told)
    assert lines(caplog, "the connection to NATS is lost") == 3


async def test_the_database_goes_away_and_comes_back(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with place(postgres) as where, running(where, *ALL) as urls, signed_in(urls[-1]) as client:
        await until_listed(urls[-1], "binance")
        await submit(client, "long", duration=20, slices=40)
        before = await until_filled(client, "long")
        where.postgres.stop()
        with started_again(where.postgres) as start:
            await check_outage(urls, client, "database", end=start)
        await submit(client, "refused", duration=2, slices=4)
        await until_filled(client, "long", more_than=before)
        told = await told_until_ended(client, "long", "refused")
        check_whole(await client.orders.get("long"), told)
    assert lines(caplog, "this node cannot say that it lives") == 3


@contextmanager
def started_again(postgres: PostgresServer) -> Iterator[Callable[[], None]]:
    """Start it at the end at the latest: other tests need it."""
    start = cache(postgres.start)
    try:
        yield start
    finally:
        start()


async def test_a_node_of_another_version_is_named_and_not_believed(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with place(postgres) as where, running(where, *ALL) as urls, signed_in(urls[-1]) as client:
        await until_listed(urls[-1], "binance")
        user = where.sql("SELECT user_id FROM users")
        async with asyncio.TaskGroup() as group:
            following = group.create_task(told_until_ended(client, "long"))
            await submit(client, "long", duration=6, slices=24)
            await until_filled(client, "long")
            await speak_otherwise(where, user)
            words = f"a node speaks version {VERSION + 1} of the messages between nodes, this one {VERSION}"
            for url in urls:
                await until_ready(url, 200, words)
            told = await following
        check_whole(await client.orders.get("long"), told)
        await until_live(client)
        listed: list[str] = []
        await bootstrap.list_nodes(where.settings, say=listed.append)
    assert lines(caplog, words) == 3, "each node says it once"
    assert sum(f"version {__version__}" in line for line in listed) == 3


async def speak_otherwise(where: Place, user: str) -> None:
    """Say a hundred times on every subject what only a later release understands."""
    strange, subjects = bytes((VERSION + 1,)) + b"\x93\x01\x02\x03", where.subjects
    told = [
        subjects.pulse("binance"), subjects.wanted("binance"), subjects.book(BOOK), subjects.trades(BOOK),
        subjects.events(user),
    ]  # fmt: skip
    asked = [
        subjects.market(ExchangePart("binance")),
        *(subjects.commands(number) for number in range(PARTITIONS)),
    ]
    async with NatsMessenger.connected(where.nats.url, name="a later one") as other:
        for _ in range(100):
            for subject in told:
                other.publish(subject, strange)
        for subject in asked:
            with pytest.raises(NoAnswer):
                await other.ask(subject, strange, timeout=0.02)


async def test_a_gateway_that_stands_still_is_cut_off_and_catches_up(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with (
        place(postgres, impatient=True) as where,
        running(where, Role.COLLECTOR, Role.ENGINE),
        process_of(where, Role.GATEWAY, tmp_path / "log") as (url, gateway),
        signed_in(url) as client,
        asyncio.TaskGroup() as group,
    ):
        await until_listed(url, "binance")
        following = group.create_task(told_until_ended(client, "long"))
        await submit(client, "long", duration=8, slices=32)
        await until_filled(client, "long")
        before = await client.market.orderbook("binance", "BTC-USDT")
        gateway.send_signal(signal.SIGSTOP)
        await fill_its_socket(where)
        gateway.send_signal(signal.SIGCONT)
        await until_ready(url, 200, "the connection to NATS was lost and is back")
        check_whole(await client.orders.get("long"), await following)
        assert (await until_live(client)).seq > before.seq
    assert "the connection to NATS is lost" in (tmp_path / "log").read_text()


async def fill_its_socket(where: Place) -> None:
    """Tell a gateway more than all buffers on the way to it hold: of an event that it has already."""
    subject = where.subjects.events(where.sql("SELECT user_id FROM users"))
    body = encode({"seq": 0, "more": "x" * 500_000})
    async with NatsMessenger.connected(where.nats.url, name="a loud one") as loud:
        for _ in range(100):
            loud.publish(subject, body)
            await asyncio.sleep(0.02)


class Ahead(SystemClock):
    """The machine's clock, set by the test."""

    by = 0

    def now(self) -> Nanos:
        return Nanos(super().now() + self.by)


async def test_a_node_whose_clock_is_an_hour_off_owns_nothing(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Ahead()
    clock.by = -HOUR
    words = "this node's clock is 1 h {} the database's: it owns nothing"
    async with (
        place(postgres) as where,
        running(where, *ALL) as urls,
        running(where, Role.ENGINE, clock=clock) as (wrong,),
        AsyncExitStack() as stack,
    ):
        await until_listed(urls[-1], "binance")
        await until_ready(wrong, 503, words.format("behind"))
        await until_held(where, wrong, 0)
        clock.by = 0
        await until_ready(wrong, 200)
        await until_held(where, wrong, PARTITIONS // 2)
        clients = [await stack.enter_async_context(signed_in(urls[-1], f"user{n}")) for n in range(6)]
        for client in clients:
            await submit(client, "long", duration=8, slices=32)
        for client in clients:
            await until_filled(client, "long")
        clock.by = HOUR
        await until_ready(wrong, 503, words.format("ahead of"))
        await until_held(where, wrong, 0)
        for client in clients:
            told = await told_until_ended(client, "long")
            done = await client.orders.get("long")
            check_whole(done, told)
            assert (done.status, done.filled_quantity) == (OrderStatus.FILLED, Decimal("0.2"))
            assert all(one.time <= done.end_time for one in done.fills if done.end_time is not None)
    assert [lines(caplog, words.format(way)) for way in ("behind", "ahead of")] == [1, 1]


async def test_a_gateway_whose_clock_is_off_serves_nobody(postgres: PostgresServer) -> None:
    clock = Ahead()
    clock.by = -HOUR
    order: dict[str, object] = {"exchange": "binance", "symbol": "BTCUSDT", "side": "buy", "quantity": 0.2}
    order |= {"duration": 3, "slices": 3}
    async with (
        place(postgres) as where,
        running(where, *ALL) as urls,
        running(where, Role.GATEWAY, clock=clock) as (wrong,),
        signed_in(urls[-1], "ada") as right,
        httpx.AsyncClient(base_url=wrong) as http,
    ):
        refused = await http.get("/exchanges")
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert "this server's clock is 1 h behind the database's" in refused.json()["detail"]
        assert refused.headers["Retry-After"] and (await http.get("/health")).status_code == 200
        clock.by = 0
        await until_ready(wrong, 200)
        await until_listed(wrong, "binance")
        form = {"username": "ada", "password": PASSWORD}
        token = (await http.post("/auth/token", data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        made = await http.post("/orders", json={**order, "token_id": "well"}, headers=headers)
        assert made.status_code == 201, made.text
        async with connect(wrong.replace("http", "ws") + "/ws", additional_headers=headers) as stream:
            assert json.loads(await stream.recv())["type"] == "authenticated"
            clock.by = HOUR
            late = await http.post("/orders", json={**order, "token_id": "late"}, headers=headers)
            assert late.status_code == 503, "though nobody has compared the clocks since"
            told = json.loads(await stream.recv())
            assert (told["type"], told["code"]) == ("error", "unavailable")
            with pytest.raises(ConnectionClosed):
                await stream.recv()
            assert stream.close_code == 1013
        await until_ready(wrong, 503, "it owns nothing, and serves nobody")
        done = await right.orders.get("well")
        assert done.end_time is not None
        assert abs(done.end_time - datetime.now(UTC)) < timedelta(minutes=1)
        with pytest.raises(NotFound):
            await right.orders.get("late")
