"""An open page survives a killed server: it says so, waits, and goes on by itself, without a reload."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect

from support.browser import DemoServer, Watched, browsing, why_not
from support.page_orders import placed

pytestmark = pytest.mark.browser

FAILED_CONNECTIONS = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_INCOMPLETE_CHUNKED_ENCODING",
    "ERR_CONTENT_LENGTH_MISMATCH",
    "WebSocket connection",
)
_EVENTS = """
async (token) => {
  const {get} = await import("/dashboard/core/api.js");
  const all = await get(`orders/${token}/events`, {limit: 1000});
  return all.map((one) => [one.seq, one.event, one.slice?.index]);
}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DemoServer]:
    if reason := why_not():
        pytest.skip(reason)
    with DemoServer(folder=tmp_path) as started:
        yield started


async def _never_reloaded(watched: Watched) -> None:
    assert await watched.page.evaluate("window.neverReloaded") is True


async def test_a_killed_server_is_told_and_the_order_goes_on_after_its_restart(server: DemoServer) -> None:
    async with browsing(server.url) as watched:
        watched.allowed += FAILED_CONNECTIONS
        page = watched.page
        await watched.enter_demo()
        token = await placed(watched, quantity="60", duration="10m", interval="1s")
        await watched.open("#/market")
        await page.evaluate("window.neverReloaded = true")
        rungs = page.locator(".rungs")
        badge = page.locator(".market-top .badge")
        await expect(badge).to_contain_text("LIVE")
        server.kill()
        await expect(page.locator(".banner")).to_contain_text("Connection lost")
        await expect(page.locator(".banner")).to_contain_text("Trying again in")
        await expect(rungs).to_have_class("rungs outdated")
        await expect(badge).not_to_contain_text("LIVE")
        server.start()
        await expect(page.locator(".banner")).to_have_count(0)
        await expect(badge).to_contain_text("LIVE")
        await expect(rungs).to_have_class("rungs")
        await expect(page.locator("header .who")).to_have_text("demo")
        await page.evaluate(f"location.hash = '#/order/{token}'")
        await _order_is_continuous(watched, token)
        await _never_reloaded(watched)


async def test_an_order_in_sight_is_continuous_over_a_kill(server: DemoServer) -> None:
    async with browsing(server.url) as watched:
        watched.allowed += FAILED_CONNECTIONS
        page = watched.page
        await watched.enter_demo()
        token = await placed(watched, quantity="60", duration="10m", interval="1s")
        await watched.open(f"#/order/{token}")
        await page.evaluate("window.neverReloaded = true")
        events = page.get_by_role("table", name="Events").get_by_role("row")
        await expect(events.filter(has_text="slice 2 ")).to_be_visible()
        server.kill()
        await expect(page.locator(".order-page")).to_have_class("order-page outdated")
        server.start()
        await expect(page.locator(".order-page")).to_have_class("order-page")
        await _order_is_continuous(watched, token)
        await _never_reloaded(watched)


_NEWEST_SLICE = """
(least) => {
  const row = document.querySelector(".event-table .table-row");
  return Number(/slice (\\d+) /.exec(row?.textContent || "")?.[1] ?? 0) >= least;
}
"""
_COUNTED = """
(least) => {
  const heading = document.querySelector("[aria-label='Events'] h2");
  return Number(heading.textContent.replace(/\\D/g, "")) >= least;
}
"""


async def _order_is_continuous(watched: Watched, token: str) -> None:
    """Slices go on after the restart, each once, and the page shows as many events as the server has."""
    page = watched.page
    before: list[Any] = await page.evaluate(_EVENTS, token)
    last = max(int(index) for _, _, index in before if index is not None)
    await page.wait_for_function(_NEWEST_SLICE, arg=last + 3)
    recorded: list[Any] = await page.evaluate(_EVENTS, token)
    slices = [int(index) for _, _, index in recorded if index is not None]
    assert slices == list(range(len(slices))), "each slice once, none left out"
    await page.wait_for_function(_COUNTED, arg=len(recorded))


def _forget(folder: Path) -> None:
    for file in folder.glob("demo.sqlite3*"):
        file.unlink()


async def test_a_sign_in_that_the_new_server_does_not_know_is_told(
    server: DemoServer, tmp_path: Path
) -> None:
    async with browsing(server.url) as watched:
        watched.allowed += (*FAILED_CONNECTIONS, "401")
        page = watched.page
        await watched.enter_demo()
        await watched.open("#/orders")
        await expect(page.get_by_role("table", name="Orders")).to_be_visible()
        server.kill()
        await expect(page.locator(".banner")).to_contain_text("Connection lost")
        _forget(tmp_path)
        server.start()
        await expect(page.get_by_role("alert")).to_contain_text("Your sign-in has ended")
        await page.get_by_role("button", name="Enter the demo").click()
        await expect(page.get_by_role("table", name="Orders")).to_be_visible()
        await expect(page.get_by_text("Your sign-in has ended")).to_have_count(0)


async def test_a_server_of_another_version_is_told(server: DemoServer) -> None:
    async with browsing(server.url) as watched:
        watched.allowed += FAILED_CONNECTIONS
        page = watched.page
        await watched.enter_demo()
        await watched.open("#/market")
        server.kill()
        await expect(page.locator(".banner")).to_contain_text("Connection lost")

        async def newer(route: Route) -> None:
            answer = await route.fetch()
            await route.fulfill(response=answer, json=await answer.json() | {"version": "99.0"})

        await page.route("**/server", newer)
        server.start()
        await expect(page.locator(".banner")).to_contain_text(
            "The server is now version 99.0",
        )


async def test_a_view_that_was_asked_for_while_the_server_was_away_comes_with_it(server: DemoServer) -> None:
    async with browsing(server.url) as watched:
        watched.allowed += FAILED_CONNECTIONS
        await watched.enter_demo()
        await watched.open("#/market")
        server.kill()
        await watched.page.evaluate("location.hash = '#/health'")
        await expect(watched.page.get_by_role("alert")).to_contain_text("could not be loaded")
        server.start()
        await expect(watched.page.get_by_role("heading", name="Health")).to_be_visible()
