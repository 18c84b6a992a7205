"""The database fails under a server at work (F31): what a user sees, and that it recovers unaided."""

import asyncio
import errno
import os
import re
import sqlite3
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from support.disk import Disk, why_not
from support.live import process, signed_in, until_listed
from support.nodes import not_on_nodes
from twap_client import TwapClient, Unavailable
from twap_models import OrderStatus, TwapOrder, TwapOrderDetail
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

pytestmark = pytest.mark.long

FAULTS = {
    "the disk is full": (errno.ENOSPC, False),
    "the file may not grow": (errno.EFBIG, False),
    "the disk is read-only": (errno.EROFS, False),
    "a write fails": (errno.EIO, False),
    "a sync fails": (errno.EIO, True),
}


async def submit(client: TwapClient, token_id: str, *, duration: float = 60, slices: int = 60) -> TwapOrder:
    return await client.orders.submit(
        exchange="binance",
        symbol="BTCUSDT",
        side="buy",
        quantity="0.2",
        duration=duration,
        slices=slices,
        token_id=token_id,
    )


async def until_some_filled(client: TwapClient, token_id: str) -> TwapOrderDetail:
    while not (order := await client.orders.get(token_id)).filled_quantity:
        await asyncio.sleep(0.02)
    return order


async def until_accepted(client: TwapClient, token_id: str) -> None:
    while True:
        try:
            await submit(client, token_id)
            return
        except Unavailable:
            await asyncio.sleep(0.05)


def is_whole(order: TwapOrderDetail) -> bool:
    """Every slice ended once, and what was filled has its records."""
    return (
        [piece.index for piece in order.slices] == list(range(len(order.slices)))
        and order.filled_quantity == sum((fill.quantity for fill in order.fills), Decimal(0))
        and {fill.slice for fill in order.fills}
        == {piece.index for piece in order.slices if piece.filled_quantity}
    )


@not_on_nodes("the disk that fails is that of a file of SQLite")
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
async def test_a_disk_that_fails_costs_slices_but_no_record(tmp_path: Path) -> None:
    data, own = tmp_path / "data", tmp_path / "own"
    data.mkdir()
    own.mkdir()
    disk, clock = Disk(data, own), SystemClock()
    async with (
        Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue,
        process(f"sqlite:///{data / 'twap.sqlite3'}", venue, **disk.environment) as (url, server),
        signed_in(url) as client,
        asyncio.timeout(60),
    ):
        await until_listed(url, "binance")
        first = await submit(client, "long", duration=9, slices=60)
        assert first.status is OrderStatus.ACCEPTED
        for n, (what, (number, syncs)) in enumerate(FAULTS.items()):
            before = await until_some_filled(client, "long")
            disk.fail(number, syncs=syncs)
            for _ in range(2):
                with pytest.raises(Unavailable) as caught:
                    await submit(client, f"refused-{n}")
                assert (caught.value.status, caught.value.code) == (503, "storage_unavailable"), what
            assert is_whole(await client.orders.get("long")), "reads go on"
            await asyncio.sleep(0.5)  # several slices become due
            assert is_whole(after := await client.orders.get("long"))
            assert after.filled_quantity >= before.filled_quantity
            disk.mend()
            async with asyncio.timeout(5):
                await until_accepted(client, f"accepted-{n}")
        while (order := await client.orders.get("long")).status.is_open:
            await asyncio.sleep(0.1)
        assert server.returncode is None, "no restart"
        listed = {one.token_id async for one in client.orders.list()}
    assert is_whole(order) and len(order.slices) == 60
    assert "storage" in {piece.reason for piece in order.slices if piece.outcome == "missed"}
    assert listed == {"long", *(f"accepted-{n}" for n in range(len(FAULTS)))}


@not_on_nodes("the lock is that of a file of SQLite")
async def test_a_database_that_another_program_locks_loses_slices_to_storage(tmp_path: Path) -> None:
    """Slices of two orders due meanwhile, whichever of them was being recorded when the lock came."""
    file, clock = tmp_path / "twap.sqlite3", SystemClock()
    async with (
        Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue,
        process(f"sqlite:///{file}", venue) as (url, _),
        signed_in(url) as client,
        asyncio.timeout(60),
    ):
        await until_listed(url, "binance")
        await client.market.orderbook("binance", "BTCUSDT")  # live before the first slice is due
        for token in ("a", "b"):
            await submit(client, token, duration=8, slices=40)
        await until_some_filled(client, "a")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        begin = datetime.now(UTC)
        await asyncio.sleep(2)
        end = datetime.now(UTC)
        other.close()
        for token in ("a", "b"):
            while (order := await client.orders.get(token)).status.is_open:
                await asyncio.sleep(0.1)
            assert is_whole(order)
            locked = [piece for piece in order.slices if begin < piece.due_time < end - order.interval]
            lost = [piece.reason for piece in locked if piece.outcome == "missed"]
            assert len(lost) >= 5 and set(lost) == {"storage"}, lost


@not_on_nodes("nodes share their database; that a server alone refuses it is tested with them")
@pytest.mark.parametrize("kind", ["sqlite", "hard link", "postgresql"])
async def test_a_second_server_refuses_to_start_and_names_the_first(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    clock = SystemClock()
    with ExitStack() as stack:
        database = f"sqlite:///{tmp_path / 'twap.sqlite3'}"
        if kind == "postgresql":
            database = stack.enter_context(request.getfixturevalue("postgres").database())
        async with (
            Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue,
            process(database, venue, TWAP_SIGNING_KEY="k" * 32) as (_, first),
        ):
            again = database
            if kind == "hard link":
                (tmp_path / "link.sqlite3").hardlink_to(tmp_path / "twap.sqlite3")
                again = f"sqlite:///{tmp_path / 'link.sqlite3'}"
            second = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "twap_server", "start", "--port", "0", "--database", again,
                env=os.environ | {"TWAP_SIGNING_KEY": "k" * 32},
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            async with asyncio.timeout(30):
                out, err = await second.communicate()
    assert second.returncode and not out
    assert re.search(rf"another server \(process {first.pid}\b.*\) is using", err.decode()), err
    assert "Traceback" not in err.decode() and "correct-horse" not in err.decode()
