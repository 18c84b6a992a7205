"""The page's costs show closed orders, their sums and how they spread, and each point opens its order."""

import pytest
from playwright.async_api import expect

from support.browser import browsing
from support.page_orders import closed, placed, saved_text

pytestmark = pytest.mark.browser


async def test_closed_orders_are_summed_drawn_and_opened(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        page = watched.page
        tokens = [await placed(watched, quantity=size, duration="2s", interval="1s") for size in ("2", "7")]
        await closed(watched, *tokens)
        await watched.open("#/costs?exchange=binance&symbol=BTC-USDT&side=buy")
        await expect(page.get_by_label("Sums")).to_contain_text("USDT")
        await expect(page.get_by_label("Sums").get_by_text("still being computed")).to_have_count(0)
        await expect(page.get_by_label("Sums")).to_contain_text("Expected, came to")
        assert await page.evaluate("Object.keys(localStorage)") == []
        rows = page.get_by_role("table", name="Closed orders").get_by_role("row")
        await expect(rows.filter(has_text="buy 7 BTC").first).to_contain_text("Filled")
        await expect(page.get_by_label("Distribution").get_by_role("img")).to_be_visible()
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []
        async with page.expect_download() as saved:
            await page.get_by_role("button", name="CSV").click()
        text = await saved_text(await saved.value)
        assert all(token in text for token in tokens)
        await page.get_by_label("Forecast").locator("a[href^='#/order/page-']").first.click()
        await page.wait_for_url("**/#/order/page-*")


async def test_a_filter_without_orders_says_so_and_fits_a_phone(demo: str) -> None:
    async with browsing(demo, width=360, height=740, is_dark=True) as watched:
        await watched.enter_demo()
        await watched.open("#/costs?to=2020-01-01")
        await expect(watched.page.get_by_text("No closed orders here")).to_be_visible()
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []
