"""Power loss (F30): what was acknowledged was synced; any part of what was not synced may vanish (I7, I8)."""

import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from support import children
from support.disk import Call, Disk, left_after_power_loss, why_not
from support.store.power import COMMITS, COMMITTING, MOMENTS, ORDERS_EACH, writes_of
from twap_server.domain.orders.write import OrderWrite
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """What a server wrote and synced while it recorded and acknowledged orders."""
    if reason := why_not():
        pytest.skip(reason)
    folder, own = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("disk")
    disk = Disk(folder, own)
    environment = children.environment(**disk.environment)
    command = [sys.executable, "-c", COMMITTING, str(folder)]
    subprocess.run(command, env=environment, check=True, timeout=120)
    return disk.calls()


def acknowledged(calls: list[Call]) -> int:
    return sum(call.name == "acknowledged" for call in calls)


def test_the_record_is_worth_something(calls: list[Call]) -> None:
    assert acknowledged(calls) == COMMITS
    assert {call.name for call in calls if call.kind == "s"} >= {"twap.db", "twap.db-wal"}, "a checkpoint ran"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
async def test_power_loss_loses_nothing_acknowledged(calls: list[Call], tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for moment in sorted(rng.sample(range(1, len(calls) + 1), MOMENTS // 4)):
        await power_fails(calls[:moment], tmp_path / str(moment), rng)


async def test_power_loss_right_after_an_acknowledgement(calls: list[Call], tmp_path: Path) -> None:
    moments = [n for n, call in enumerate(calls, 1) if call.name == "acknowledged"]
    for moment in moments[::7]:
        await power_fails(calls[:moment], tmp_path / str(moment), random.Random(moment))


def leave(files: dict[str, bytes], folder: Path) -> None:
    folder.mkdir()
    for name, content in files.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)


async def power_fails(calls: list[Call], folder: Path, rng: random.Random) -> None:
    leave(left_after_power_loss(calls, rng), folder)
    async with Database.open(f"sqlite:///{folder / 'twap.db'}") as database:
        orders = SqlOrderStore(database)
        count = acknowledged(calls)
        found = {order.terms.order_id: order for order in await orders.open_orders()}
        for n in range(count):
            for write in writes_of(n):
                order = found[write.order.terms.order_id]
                assert order.progress.version >= write.order.progress.version
                if n == count - 1:
                    await is_whole(orders, write)
        seq = await orders.last_event_seq("alice")
        assert seq in (count * ORDERS_EACH, (count + 1) * ORDERS_EACH), (
            "a commit is there wholly or not at all"
        )


async def is_whole(orders: SqlOrderStore, write: OrderWrite) -> None:
    kept = await orders.detail("alice", write.order.terms.token_id)
    assert kept is not None
    assert kept.order.progress.filled == sum((fill.quantity for fill in kept.fills), Decimal(0))
    assert set(write.fills) <= set(kept.fills)
