"""A real server that records is killed: what it wrote can be read, up to the last second."""

import time
from pathlib import Path

import httpx
import pytest

from support.collector.parts import until
from support.live import process, until_listed
from twap_server.clock import SystemClock
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.check import verified
from twap_server.recordings.frames import frames
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue


def moments(folder: Path) -> list[int]:
    try:
        return [at for at, *_ in frames(folder)]
    except InvalidRequest:  # nothing was written yet
        return []


@pytest.mark.long
async def test_at_most_the_last_second_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    clock, folder = SystemClock(), tmp_path / "recordings" / "binance"
    database = f"sqlite:///{tmp_path / 'twap.sqlite3'}"
    async with (
        Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue,
        process(database, venue, TWAP_RECORD__FOLDER=str(folder.parent)) as (url, server),
    ):
        async with httpx.AsyncClient(base_url=url) as http:
            await until_listed(url, "binance")
            assert (await http.get("/orderbook/binance/BTC-USDT")).status_code == 200
        await until(lambda: len(moments(folder)) > 50)
        killed_at = time.time_ns()
        server.kill()
        await server.wait()
    kept = moments(folder)
    assert killed_at - kept[-1] < 1.5 * SECOND
    assert not any(line.startswith("WRONG") for _, line in verified(folder))
