"""Tournaments of a folder: listed, read and shown to who is signed in; nothing outside of the folder is."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient, Response

from support import tournament_folders as tournaments
from support.api.desk import CHEAP, Desk, build
from twap_models.lab import TournamentResult
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig


@dataclass
class Shelf:
    """A folder of tournaments, and somebody who may look at it."""

    folder: Path
    http: AsyncClient
    headers: dict[str, str]

    async def get(self, path: str) -> Response:
        return await self.http.get(path, headers=self.headers)


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    folder = tmp_path / "tournaments"
    folder.mkdir()
    services, accounts, market, orders, clock = build(ApiConfig(passwords=CHEAP, tournaments=folder))
    app = create_app(services)
    transport = ASGITransport(app, client=("10.0.0.1", 1234))
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        desk = Desk(app, services, accounts, market, orders, clock, http)
        yield Shelf(folder, http, await desk.user())


async def test_the_newest_is_first_and_one_that_cannot_be_read_says_why(shelf: Shelf) -> None:
    for age, name in enumerate(("new", "old")):
        own = tournaments.write(shelf.folder, name)
        os.utime(own / "result.json", (1_796_040_000 - age, 1_796_040_000 - age))
    broken = tournaments.write(shelf.folder, "broken", '{"format": 1, "cases": "many"}')
    os.utime(broken / "result.json", (1_000, 1_000))
    (shelf.folder / "under way").mkdir()
    listed = (await shelf.get("/tournaments")).json()
    assert [one["name"] for one in listed] == ["new", "old", "broken"]
    assert listed[0] | {"problem": ""} == {
        "name": "new", "title": "Two ways", "finished": "2026-11-30T12:00:00.000000Z", "cases": 20,
        "runs": 40, "strategies": ["twap", "sweep"], "baseline": "twap", "problem": "",
    }  # fmt: skip
    assert "engine: " in listed[2]["problem"] and listed[2]["cases"] == 0


async def test_a_result_comes_digit_for_digit(shelf: Shelf) -> None:
    tournaments.write(shelf.folder)
    told = TournamentResult.from_json((await shelf.get("/tournaments/two-ways")).content)
    assert told.groups[1].strategies[1].difference is not None
    assert told.groups[1].strategies[1].difference.verdict == "no difference shown"
    assert told.groups[0].strategies[0].cost is not None
    assert told.groups[0].strategies[0].cost.deviation == Decimal("2.125")


async def test_pages_run_no_script(shelf: Shelf) -> None:
    tournaments.write(shelf.folder)
    for path in ("/tournaments/two-ways/page", "/tournaments/two-ways/reports/1-abc.html"):
        answer = await shelf.get(path)
        assert answer.status_code == 200 and answer.text.startswith("<!doctype html>")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "sandbox" in policy and "script" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "/tournaments/none",
        "/tournaments/..%2Fsecret",
        "/tournaments/.hidden",
        "/tournaments/two-ways/reports/none.html",
        "/tournaments/two-ways/reports/..%2Fresult.json",
        "/tournaments/two-ways/reports/result.json",
        "/tournaments/linked",
        "/tournaments/two-ways/reports/linked.html",
    ],
)
async def test_nothing_outside_of_the_folder_is_read(shelf: Shelf, path: str) -> None:
    own = tournaments.write(shelf.folder)
    secret = tournaments.write(shelf.folder.parent, "secret")
    (shelf.folder / "linked").symlink_to(secret)
    (own / "reports" / "linked.html").symlink_to(secret / "index.html")
    (shelf.folder / ".hidden").symlink_to(own)
    answer = await shelf.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


async def test_a_result_that_cannot_be_read_is_told(shelf: Shelf) -> None:
    tournaments.write(shelf.folder, "broken", "{")
    answer = await shelf.get("/tournaments/broken")
    assert answer.status_code == 404
    assert "the result of tournament broken cannot be read" in answer.json()["detail"]


async def test_who_is_not_signed_in_sees_none(shelf: Shelf) -> None:
    tournaments.write(shelf.folder)
    assert (await shelf.http.get("/tournaments")).status_code == 401
    assert (await shelf.http.get("/tournaments/two-ways")).status_code == 401


async def test_without_a_folder_there_are_none(desk: Desk) -> None:
    headers = await desk.user()
    assert (await desk.http.get("/tournaments", headers=headers)).json() == []
    assert (await desk.http.get("/tournaments/one", headers=headers)).status_code == 404
