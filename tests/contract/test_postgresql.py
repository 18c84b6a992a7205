"""PostgreSQL breaks in the middle of commits (F33), as a user of the real server sees it (I1, I2, I10)."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from support.cutting import Cut, CuttingProxy
from support.live import process, signed_in, simulated, until_listed
from support.postgres import PostgresServer
from twap_client import TwapClient, Unavailable
from twap_models import OrderEvent, OrderStatus, TwapOrder
from twap_server.clock import SystemClock
from twap_server.store.database_use import LOCK
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

pytestmark = pytest.mark.long

CUTS = [Cut.BEFORE, Cut.AFTER, Cut.SENT]


@asynccontextmanager
async def server(postgres: PostgresServer, folder: Path) -> AsyncIterator[tuple[CuttingProxy, TwapClient]]:
    """A server on a PostgreSQL that is reached through a proxy, and a signed-in client of it."""
    with postgres.database() as url:
        async with CuttingProxy(postgres.port).listening() as proxy:
            through = re.sub(r":\d+/", f":{proxy.port}/", url)
            async with (
                simulated(folder, database=through, signing_key="k" * 32) as base,
                signed_in(base) as client,
                asyncio.timeout(60),
            ):
                await until_listed(base, "binance")
                yield proxy, client


async def submit(client: TwapClient, token_id: str, *, duration: float, slices: int) -> TwapOrder:
    return await client.orders.submit(
        exchange="binance",
        symbol="BTCUSDT",
        side="buy",
        quantity="0.2",
        duration=duration,
        slices=slices,
        token_id=token_id,
    )


async def told_until_ended(client: TwapClient, token_ids: set[str]) -> list[OrderEvent]:
    """Every event from the first, until all these orders have ended."""
    told: list[OrderEvent] = []
    async for message in client.stream(orders=True, since=0):
        if isinstance(message, OrderEvent):
            told.append(message)
            if not message.order.status.is_open:
                token_ids -= {message.order.token_id}
            if not token_ids:
                break
    return told


async def test_slices_are_neither_lost_nor_doubled(postgres: PostgresServer, tmp_path: Path) -> None:
    async with server(postgres, tmp_path) as (proxy, client), asyncio.TaskGroup() as group:
        order = await submit(client, "job", duration=6, slices=40)
        assert order.status is OrderStatus.ACCEPTED
        following = group.create_task(told_until_ended(client, {"job"}))
        for n in range(9):
            proxy.cut = CUTS[n % 3]
            while proxy.cut:
                await asyncio.sleep(0.02)
        told = await following
        done = await client.orders.get("job")
    assert [piece.index for piece in done.slices] == list(range(40))
    assert 0 < done.filled_quantity == sum(fill.quantity for fill in done.fills) <= Decimal("0.2")
    assert [event.seq for event in told] == list(range(1, len(told) + 1)), (
        "nothing told twice, nothing left out"
    )
    told_fills = [fill.fill_id for event in told for fill in event.fills]
    assert told_fills == [fill.fill_id for fill in done.fills]


@pytest.mark.parametrize("cut", CUTS)
async def test_a_submission_that_is_sent_again_is_one_order(
    postgres: PostgresServer, tmp_path: Path, cut: Cut
) -> None:
    async with server(postgres, tmp_path) as (proxy, client):
        proxy.cut = cut
        try:
            await submit(client, "once", duration=1.2, slices=8)
            refused = False
        except Unavailable as error:
            refused = True
            assert (error.status, error.code) == (503, "storage_unavailable")
        assert refused is (cut is Cut.BEFORE), "what was recorded is acknowledged"
        order = await submit(client, "once", duration=1.2, slices=8)
        told = await told_until_ended(client, {"once"})
        listed = [one.token_id async for one in client.orders.list()]
        done = await client.orders.get("once")
    assert listed == ["once"]
    assert done.order_id == order.order_id
    assert [piece.index for piece in done.slices] == list(range(8)), "it was worked"
    assert [event.seq for event in told] == list(range(1, len(told) + 1))


@pytest.mark.parametrize("cut", CUTS)
async def test_a_cancel_is_done_or_not(postgres: PostgresServer, tmp_path: Path, cut: Cut) -> None:
    async with server(postgres, tmp_path) as (proxy, client):
        await submit(client, "long", duration=600, slices=10)
        first = await told_first_slice(client)
        assert first.order.filled_quantity
        proxy.cut = cut
        try:
            canceled = (await client.orders.cancel("long")).status is OrderStatus.CANCELED
        except Unavailable:
            canceled = False
        assert canceled is (cut is not Cut.BEFORE)
        assert (await client.orders.get("long")).status.is_open is not canceled
        if not canceled:
            assert (await client.orders.cancel("long")).status is OrderStatus.CANCELED
        told = await told_until_ended(client, {"long"})
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    assert sum(not event.order.status.is_open for event in told) == 1


async def told_first_slice(client: TwapClient) -> OrderEvent:
    async for message in client.stream(orders=True, since=0):
        if isinstance(message, OrderEvent) and message.slice is not None:
            return message
    raise AssertionError("the stream ended")


@pytest.mark.parametrize("kill", [False, True])
async def test_service_is_back_with_the_database(
    postgres: PostgresServer, tmp_path: Path, kill: bool
) -> None:
    async with server(postgres, tmp_path) as (proxy, client):
        await submit(client, "before", duration=600, slices=10)
        (postgres.kill if kill else postgres.stop)()
        try:
            for _ in range(3):
                with pytest.raises(Unavailable) as caught:
                    await submit(client, "during", duration=600, slices=10)
                assert (caught.value.status, caught.value.code) == (503, "storage_unavailable")
        finally:
            postgres.start()
        async with asyncio.timeout(5):
            while True:
                try:
                    await submit(client, "after", duration=600, slices=10)
                    break
                except Unavailable:
                    await asyncio.sleep(0.05)
        listed = {one.token_id: one.status.is_open async for one in client.orders.list()}
    assert proxy.cut is None
    assert listed == {"before": True, "after": True}


async def test_a_server_that_was_replaced_stops(postgres: PostgresServer, tmp_path: Path) -> None:
    replace = f"""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name LIKE 'twap-server % process %' AND datname = current_database();
        SELECT pg_advisory_lock({LOCK}); SELECT pg_sleep(8)
    """
    clock = SystemClock()
    with postgres.database() as url:
        async with (
            Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue,
            process(url, venue, TWAP_SIGNING_KEY="k" * 32) as (_, server),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(asyncio.to_thread(postgres.sql, replace, database=url.rpartition("/")[2]))
            async with asyncio.timeout(20):
                assert await server.wait() == 1
