"""Health in the page: each exchange, each book, the last 15 minutes; what is wrong is said."""

import httpx
import pytest

from support.browser import browsing

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "is_dark"), [(1280, False), (360, True)])
async def test_exchanges_and_collected_books_are_shown(demo: str, width: int, is_dark: bool) -> None:
    async with httpx.AsyncClient() as client:
        (await client.get(f"{demo}/orderbook/kraken/BTC-USDT")).raise_for_status()
    async with browsing(demo, width=width, is_dark=is_dark) as watched:
        await watched.open("#/health")
        row = watched.page.locator("tr", has_text="kraken").filter(has_text="BTC-USDT")
        await row.wait_for()
        words = await row.inner_text()
        assert "LIVE" in words
        assert "checksum" in words
        assert "live " in (await row.locator(".strip").get_attribute("aria-label") or "")
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []


async def test_a_server_that_is_gone_makes_it_grey_and_says_since_when(demo: str) -> None:
    async with browsing(demo) as watched:
        watched.allowed += ["ERR_FAILED", "503"]
        await watched.open("#/health")
        await watched.page.get_by_text("ALL WELL").wait_for()
        await watched.page.route("**/exchanges**", lambda route: route.abort())
        await watched.page.locator(".outdated").wait_for()
        assert "as of" in await watched.page.locator(".health-top").inner_text()
