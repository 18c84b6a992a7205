"""What has become free is given back to the system, once it is much, whoever freed it."""

import asyncio
import platform

import psutil
import pytest

from twap_server.clock import SystemClock
from twap_server.runtime import memory
from twap_server.runtime.memory import FreeMemory

MIB = 1_048_576


class Heap:
    """A C library: giving back what is free does not make it less, as with glibc."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.given = 0

    def tell(self) -> int:
        return self.free

    def give_back(self) -> None:
        self.given += 1


def test_it_is_given_back_when_much_became_free() -> None:
    heap = Heap(5 * MIB)
    watched = FreeMemory(heap.tell, heap.give_back)
    seen = []
    for free in (5, 8, 2, 5, 6, 6, 9, 10, 11, 3, 7):
        heap.free = free * MIB
        watched.look()
        seen.append(heap.given)
    assert seen == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3]


async def test_it_is_looked_at_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LOOK_EVERY_S", 0)
    loop, looks, heap = asyncio.get_running_loop(), asyncio.Semaphore(0), Heap(0)

    def more() -> int:
        loop.call_soon_threadsafe(looks.release)
        heap.free += 8 * MIB
        return heap.free

    keeping = loop.create_task(FreeMemory(more, heap.give_back).keep(SystemClock()))
    async with asyncio.timeout(20):
        for _ in range(12):
            await looks.acquire()
    keeping.cancel()
    await asyncio.wait([keeping])
    assert keeping.cancelled() and heap.given >= 5


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc" or memory.free_memory() == 0, reason="needs glibc 2.33")
def test_memory_that_is_free_is_not_kept() -> None:
    """Between what is freed something stays: without our help the C library would keep it all."""
    watched = FreeMemory()
    blocks = [bytes(2_000) for _ in range(40_000)]
    full = psutil.Process().memory_info().rss
    blocks = blocks[::100]
    freed = psutil.Process().memory_info().rss
    watched.look()
    assert full - freed < 20 * MIB, "there is nothing to do here"
    assert full - psutil.Process().memory_info().rss > 40 * MIB
    assert len(blocks) == 400
