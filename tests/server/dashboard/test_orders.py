"""The page's list of orders is live, works by keys, holds thousands of rows, and becomes a file."""

import pytest
from playwright.async_api import expect

from support.browser import browsing
from support.page_orders import placed, read, saved_text

pytestmark = pytest.mark.browser


async def test_an_order_appears_fills_and_is_canceled_from_its_row(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        await watched.open("#/orders")
        token = await placed(watched, duration="5m", interval="1s")
        row = watched.page.get_by_role("row").filter(has_text=token)
        await expect(row).to_contain_text("Working")
        await expect(row).to_contain_text("bps to mid")
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []
        await row.get_by_role("button", name="Pause").click()
        await expect(row).to_contain_text("Paused")
        await row.get_by_role("button", name="Resume").click()
        await expect(row).to_contain_text("Working")
        await row.get_by_role("button", name="Cancel").click()
        await watched.page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
        assert (await read(watched, token))["status"] == "Working"
        await row.get_by_role("button", name="Cancel").click()
        await watched.page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
        await expect(row).to_have_count(0)
        await watched.page.get_by_role("radio", name="closed").check(force=True)
        await expect(row).to_contain_text("Canceled")
        await expect(row).not_to_contain_text("to mid")


async def test_arrows_choose_enter_opens_x_asks_to_cancel(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        older, newer = await placed(watched, symbol="ETH-USDT"), await placed(watched, symbol="ETH-USDT")
        await watched.open("#/orders?symbol=ETH-USDT")
        for one in (older, newer):
            await expect(watched.page.get_by_role("row").filter(has_text=one)).to_be_visible()
        for key in ("ArrowDown", "ArrowDown", "ArrowUp", "x"):
            await watched.page.keyboard.press(key)
        await watched.page.get_by_role("dialog").wait_for()
        await watched.page.keyboard.press("Escape")
        await expect(watched.page.get_by_role("dialog")).to_have_count(0)
        await watched.page.keyboard.press("ArrowDown")
        await watched.page.keyboard.press("Enter")
        await watched.page.wait_for_url(f"**/#/order/{older}")
        assert newer != older


async def test_thousands_of_rows_are_few_elements_and_come_as_one_scrolls(demo: str) -> None:
    async with browsing(demo, width=390, height=844) as watched:
        await watched.enter_demo()
        await watched.page.evaluate(
            """async () => {
                const {post} = await import("/dashboard/core/api.js");
                const one = (at) => ({
                    token_id: `many-${at}`, exchange: "kraken", symbol: "ETH-USDT", side: "sell",
                    quantity: "1", start_time: "+1h", duration: "1h", interval: "60",
                });
                await post("orders/twap", Array.from({length: 450}, (_, at) => one(at)));
            }"""
        )
        await watched.open("#/orders?exchange=kraken&side=sell")
        await expect(watched.page.get_by_role("status").filter(has_text="200 and more")).to_be_visible()
        rows = watched.page.locator(".order-row")
        assert await rows.count() < 60
        box = watched.page.locator(".virtual")
        for shown in ("400 and more", "450"):
            await box.evaluate("(it) => { it.scrollTop = it.scrollHeight; }")
            await expect(watched.page.get_by_role("status").filter(has_text=shown)).to_be_visible()
        assert await rows.count() < 60
        assert await watched.overflowing() == []
        async with watched.page.expect_download() as saved:
            await watched.page.get_by_role("button", name="CSV").click()
        text = await saved_text(await saved.value)
        assert text.count("many-") == 450
        assert text.startswith("token_id,exchange,symbol,")
