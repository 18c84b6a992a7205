"""Tournaments over a real server on loopback: listed, read digit for digit, as pages; also without async."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from support import tournament_folders
from support.api.desk import CHEAP
from support.api.live import serving
from twap_client import NotAuthenticated, NotFound, TwapClient, UsageError, sync
from twap_models import Verdict
from twap_server.api.config import ApiConfig

PASSWORD = "correct horse battery"
PRICE = "60000.123456789012345678"


@dataclass
class Shelf:
    """A server with a folder of tournaments, and a client that is signed in."""

    folder: Path
    url: str
    client: TwapClient


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with serving(ApiConfig(passwords=CHEAP, tournaments=tmp_path)) as live:
        url = str(live.http.base_url)
        async with TwapClient(url) as newcomer:
            await newcomer.accounts.register("grace", PASSWORD)
        async with TwapClient(url, username="grace", password=PASSWORD) as client:
            yield Shelf(tmp_path, url, client)


async def test_they_are_listed_with_the_reason_why_one_cannot_be_read(shelf: Shelf) -> None:
    assert await shelf.client.tournaments.list() == []
    tournament_folders.write(shelf.folder)
    tournament_folders.write(shelf.folder, "broken", "{}")
    by_name = {one.name: one for one in await shelf.client.tournaments.list()}
    assert by_name["two-ways"].title == "Two ways" and by_name["two-ways"].strategies == ["twap", "sweep"]
    assert by_name["broken"].problem and not by_name["two-ways"].problem


async def test_a_result_arrives_digit_for_digit(shelf: Shelf) -> None:
    written = json.dumps(tournament_folders.result()).replace("60000.12345678901", PRICE)
    tournament_folders.write(shelf.folder, content=written)
    made = await shelf.client.tournaments.get("two-ways")
    sweep = made.groups[0].strategies[1]
    assert sweep.difference is not None and sweep.difference.verdict is Verdict.DEARER
    assert sweep.difference.high == Decimal("5.0625")
    assert made.orders[0].average_price == Decimal(PRICE)
    with pytest.raises(NotFound, match="three-ways"):
        await shelf.client.tournaments.get("three-ways")
    with pytest.raises(NotFound):
        await shelf.client.tournaments.get("../two-ways")


async def test_pages_are_given_as_text(shelf: Shelf) -> None:
    tournament_folders.write(shelf.folder)
    calls = shelf.client.tournaments
    assert await calls.page("two-ways") == "<!doctype html><title>Two ways</title>"
    with_report, without, *_ = (await calls.get("two-ways")).orders
    for run in (with_report, with_report.report or "", "1-abc.html"):
        assert await calls.report("two-ways", run) == "<!doctype html><title>Run 1</title>"
    with pytest.raises(UsageError, match="--reports all"):
        await calls.report("two-ways", without)
    with pytest.raises(NotFound, match="no report"):
        await calls.report("two-ways", "result.json")


async def test_who_is_not_signed_in_sees_none(shelf: Shelf) -> None:
    async with TwapClient(shelf.url) as stranger:
        with pytest.raises(NotAuthenticated):
            await stranger.tournaments.list()


async def test_without_async_it_is_the_same(shelf: Shelf) -> None:
    tournament_folders.write(shelf.folder)

    def plainly() -> list[str]:
        with sync.TwapClient(shelf.url, username="grace", password=PASSWORD) as client:
            made = client.tournaments.get("two-ways")
            return [made.name, client.tournaments.report("two-ways", made.orders[0])]

    assert await asyncio.to_thread(plainly) == ["Two ways", "<!doctype html><title>Run 1</title>"]
