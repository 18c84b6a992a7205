"""A real server process watches itself: its loop, its collector."""

import asyncio
import re
from pathlib import Path

import httpx

from support.live import process
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue


async def test_a_real_server_watches_itself(tmp_path: Path) -> None:
    clock = SystemClock()
    async with (
        Venue(SyntheticSource(seed=7, clock=clock), clock=clock) as venue,
        process(f"sqlite:///{tmp_path / 'twap.sqlite3'}", venue) as (url, _),
        httpx.AsyncClient(base_url=url) as http,
        asyncio.timeout(60),
    ):
        while not await _beats(http):
            await asyncio.sleep(0.02)
        assert 'twap_gc_pause_seconds_count{generation="2"} 0.0' in (await http.get("/metrics")).text


async def _beats(http: httpx.AsyncClient) -> bool:
    counted = re.search(
        r"^twap_event_loop_lag_seconds_count (\S+)$", (await http.get("/metrics")).text, re.MULTILINE
    )
    assert counted is not None
    return float(counted[1]) > 0
