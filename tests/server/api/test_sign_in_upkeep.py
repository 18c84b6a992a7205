"""Sign-ins that have ended are forgotten each hour, page by page, whatever went wrong the hour before."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from support.clocks import LoopClock
from twap_server.api.auth.sign_in_upkeep import forget_ended
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import StoreUnavailable

HOUR = 3_600 * SECOND


class Pages:
    """A store with three pages of sign-ins, which is away once."""

    def __init__(self) -> None:
        self.asked: list[tuple[Nanos, str]] = []

    async def forget_ended(self, now: Nanos, *, kept: int = 0, after: str = "") -> str | None:
        self.asked.append((Nanos(now - kept), after))
        if len(self.asked) == 2:
            raise StoreUnavailable("the database is away")
        return {"": "a", "a": "b", "b": None}[after]


@pytest.mark.looptime
async def test_it_is_done_each_hour_to_the_end() -> None:
    pages, clock = Pages(), LoopClock()
    began = clock.now()
    work = forget_ended(cast(Any, pages), clock, access_lifetime=timedelta(minutes=15))
    task = asyncio.get_running_loop().create_task(work)
    await asyncio.sleep(61 + 2 * 3_600)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert [after for _, after in pages.asked] == ["", "a", "", "a", "b", "", "a", "b"]
    first = Nanos(began + 60 * SECOND - HOUR - HOUR // 4)
    assert [moment for moment, after in pages.asked if not after] == [first, first + HOUR, first + 2 * HOUR]
