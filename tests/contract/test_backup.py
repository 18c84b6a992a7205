"""A backup of a server at work, restored after its death: orders go on, what was acknowledged is there."""

import asyncio
import os
import random
import signal
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from support.children import environment
from support.disk import Disk, why_not
from support.live import PASSWORD, process, signed_in, until_listed
from support.nodes import not_on_nodes
from support.postgres import PostgresServer
from twap_client import TwapClient
from twap_models import OrderEvent
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

pytestmark = pytest.mark.long


async def command(*words: str | Path, **variables: str) -> tuple[int, str, str]:
    """Run ``twap-server``; gives its exit code and what it said."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twap_server", *map(str, words),
        env=environment(**variables), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await program.communicate()
    return program.returncode or 0, said.decode(), complained.decode()


async def submit(client: TwapClient, token_id: str) -> None:
    await client.orders.submit(
        exchange="binance", symbol="BTCUSDT", side="buy", quantity="0.2", duration=40, slices=160,
        token_id=token_id,
    )  # fmt: skip


async def events_so_far(client: TwapClient) -> list[OrderEvent]:
    """What the server has told until now."""
    found: list[OrderEvent] = []
    for token in ("a", "b", "c"):
        found += [event async for event in client.orders.events(token)]
    return sorted(found, key=lambda event: event.seq)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two databases, and what ``backup`` must be told of them."""

    source: str
    target: str
    options: tuple[str | Path, ...] = ()


@pytest.fixture(
    params=[pytest.param("sqlite", marks=not_on_nodes("they have PostgreSQL alone")), "postgresql"]
)
def databases(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    if request.param == "sqlite":
        yield Pair(f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as source, server.database() as target:
        yield Pair(source, target, ("--pg-bin", server.programs))


async def continued(client: TwapClient, before: list[OrderEvent]) -> list[int]:
    """Follow all orders from the first event to twenty that are new; gives the numbers of all."""
    numbers: list[int] = []
    async with asyncio.timeout(60), client.stream(orders=True, since=0) as stream:
        async for message in stream:
            if isinstance(message, OrderEvent):
                numbers.append(message.seq)
                assert message.seq > before[-1].seq or message == before[message.seq - 1]
                if message.seq > before[-1].seq + 20:
                    break
    return numbers


async def test_orders_go_on_from_a_backup_of_a_server_at_work(tmp_path: Path, databases: Pair) -> None:
    clock, file, options = SystemClock(), tmp_path / "backup", databases.options
    async with Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue:
        async with (
            process(databases.source, venue, TWAP_SIGNING_KEY="k" * 32) as (url, killed),
            signed_in(url) as client,
        ):
            await until_listed(url, "binance")
            for token in ("a", "b", "c"):
                await submit(client, token)
            while len(before := await events_so_far(client)) < 30:
                await asyncio.sleep(0.1)
            code, said, complained = await command("backup", file, *options, TWAP_DATABASE=databases.source)
            assert (code, complained) == (0, "") and "3 orders (3 open)" in said
            killed.kill()
        code, said, complained = await command("restore", file, *options, TWAP_DATABASE=databases.target)
        assert (code, complained) == (0, ""), complained
        async with (
            process(databases.target, venue, TWAP_SIGNING_KEY="k" * 32) as (url, _),
            TwapClient(url) as client,
        ):
            await client.accounts.login("ada", PASSWORD)
            numbers = await continued(client, before)
            done = [await client.orders.get(token) for token in ("a", "b", "c")]
    assert numbers == list(range(1, len(numbers) + 1)), "none is missing, none is doubled"
    for order in done:
        assert order.filled_quantity == sum((fill.quantity for fill in order.fills), Decimal(0)) > 0


@not_on_nodes("the backup is that of a file of SQLite")
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
async def test_a_disk_that_is_full_leaves_nothing_of_a_backup(tmp_path: Path) -> None:
    data, out, own = (tmp_path / name for name in ("data", "out", "own"))
    for folder in (data, out, own):
        folder.mkdir()
    database = f"sqlite:///{data / 'twap.db'}"
    clock = SystemClock()
    async with (
        Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue,
        process(database, venue, TWAP_SIGNING_KEY="k" * 32) as (url, _),
        signed_in(url) as client,
    ):
        await until_listed(url, "binance")
        await submit(client, "a")
        disk = Disk(out, own)
        for number, words in ((28, "the disk is full"), (5, "error")):
            disk.fail(number)
            given = {"TWAP_DATABASE": database, **disk.environment}
            code, said, complained = await command("backup", out / "b", **given)
            assert code == 1 and said == "" and words in complained and complained.count("\n") == 1
            assert list(out.iterdir()) == []
        disk.mend()
        assert (await command("backup", out / "b", TWAP_DATABASE=database))[0] == 0


async def test_a_backup_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    database = tmp_path / "twap.db"
    made = await command("backup", tmp_path / "none", TWAP_DATABASE=f"sqlite:///{database}")
    assert made[0] == 1 and "there is no database" in made[2]
    filler = sqlite3.connect(database)
    filler.execute("CREATE TABLE ballast (content BLOB)")
    filler.executemany("INSERT INTO ballast VALUES (?)", [(random.randbytes(2**20),) for _ in range(200)])
    filler.commit()
    filler.close()
    out = tmp_path / "out"
    out.mkdir()
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twap_server", "backup", out / "b",
        env=environment(TWAP_DATABASE=f"sqlite:///{database}"),
    )  # fmt: skip
    async with asyncio.timeout(30):
        while not list(out.iterdir()):
            await asyncio.sleep(0.001)
        os.kill(program.pid, signal.SIGTERM)
        assert await program.wait() == 143
    assert list(out.iterdir()) == []
