"""cluster/engine_role.py: many partitions may come at once, from a node that died."""

import asyncio

from support.clocks import ALONE
from support.memory_messenger import Hub
from support.partitions import SUBJECTS
from support.stores.orders import MemoryStore
from support.trading import HandMarket
from twap_server.clock import SystemClock
from twap_server.cluster.engine_role import EngineRole
from twap_server.domain.orders.order import Order
from twap_server.domain.ownership import Lease, lease_of_partition
from twap_server.engine.config import EngineConfig

pytestmark = ALONE


class SlowStore(MemoryStore):
    """Takes a while to read open orders, and knows how many read at once."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = self.most = 0

    async def open_orders(self) -> list[Order]:
        self.reading += 1
        self.most = max(self.most, self.reading)
        await asyncio.sleep(0.5)
        self.reading -= 1
        return await super().open_orders()


async def test_of_many_partitions_a_few_begin_at_a_time() -> None:
    store = SlowStore()
    role = EngineRole(
        market=HandMarket(SystemClock()),
        make_store=lambda lease: store,
        takings=store,
        messenger=Hub().node(),
        subjects=SUBJECTS,
        clock=SystemClock(),
        config=EngineConfig(),
        new_id=lambda: "unused",
    )
    leases = [Lease(lease_of_partition(number), 1) for number in range(10)]
    working = [asyncio.create_task(role.work(lease)) for lease in leases]
    await asyncio.sleep(0.7)
    assert len(role.engines) == 4, "the others wait"
    working[9].cancel()  # who waits can be stopped
    await asyncio.sleep(1)
    assert len(role.engines) == 9 and store.most == 4
    for one in working:
        one.cancel()
    await asyncio.wait(working)
    assert not role.engines
