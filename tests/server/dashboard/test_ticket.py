"""The page's ticket previews while one types, mends a field by one click, and places an order just once."""

import re

import pytest
from playwright.async_api import Route, expect

from support.browser import Watched, browsing
from support.page_orders import placed

pytestmark = pytest.mark.browser


async def write(watched: Watched, quantity: str, *, duration: str = "10m", interval: str = "5s") -> None:
    await watched.page.get_by_label("Quantity").fill(quantity)
    await watched.page.get_by_label("Duration").fill(duration)
    await watched.page.get_by_label("Interval").fill(interval)


async def test_a_visitor_is_told_to_sign_in_and_keeps_what_was_written(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open("#/ticket/binance/BTC-USDT")
        await watched.page.get_by_label("Quantity").fill("0.5")
        preview = watched.page.get_by_label("Preview")
        await expect(preview.get_by_role("link", name="Sign in")).to_have_attribute("href", "#/sign-in")
        await preview.get_by_role("button", name="Enter the demo").click()
        await expect(preview).to_contain_text("It would be accepted")
        await expect(watched.page.get_by_label("Quantity")).to_have_value("0.5")


async def test_an_order_is_previewed_confirmed_and_placed(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        await watched.open("#/ticket/binance/BTC-USDT")
        await write(watched, "0.4")
        page = watched.page
        await expect(page.get_by_label("Preview")).to_contain_text("120 slices, one every 5 s")
        cost = page.get_by_role("region", name="Expected cost").get_by_role("row")
        await expect(cost.filter(has_text="Total").first).to_contain_text("USDT")
        await expect(page.get_by_label("Go live").locator("details")).to_have_count(7)
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []
        await page.get_by_role("button", name="Buy 0.4 BTC").click()
        await expect(page.get_by_role("dialog")).to_contain_text("Buys 0.4 BTC on binance")
        await page.get_by_role("dialog").get_by_role("button", name="Buy").click()
        await page.wait_for_url("**/#/order/web-*")
        await expect(page.get_by_role("heading", name="buy 0.4 BTC")).to_be_visible()


async def test_a_broken_rule_stands_at_its_field_and_one_click_mends_it(demo: str) -> None:
    async with browsing(demo, width=390, height=844, is_dark=True) as watched:
        await watched.enter_demo()
        await watched.open("#/ticket/binance/BTC-USDT")
        await write(watched, "0.00000001")
        page = watched.page
        quantity = page.get_by_label("Quantity")
        await expect(quantity).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_role("button", name="Buy 0.00000001 BTC")).to_be_disabled()
        await page.get_by_role("button", name=re.compile("^Use 0.0")).click()
        await expect(quantity).not_to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_label("Preview")).to_contain_text("It would be accepted")
        assert await watched.overflowing() == []


async def test_what_cannot_be_read_is_told_before_anything_is_asked(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        await watched.open("#/ticket/binance/BTC-USDT")
        await write(watched, "0,4", duration="soon")
        await expect(watched.page.get_by_text("with a point for decimals")).to_be_visible()
        await expect(watched.page.get_by_text("Write a time such as")).to_be_visible()


async def test_an_exchanges_rule_is_mended_from_the_table(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        await watched.open("#/ticket/binance/BTC-USDT")
        await write(watched, "0.4", duration="20s", interval="2s")
        bybit = watched.page.get_by_label("Go live").locator("details", has_text="bybit")
        await bybit.locator("summary").click()
        await bybit.get_by_role("button", name="Use 5m").click()
        await expect(watched.page.get_by_label("Duration")).to_have_value("5m")


async def test_an_order_whose_answer_was_lost_is_placed_again_and_is_one(demo: str) -> None:
    async with browsing(demo) as watched:
        watched.allowed.append("ERR_FAILED")
        await watched.enter_demo()
        await watched.open("#/ticket/binance/BTC-USDT")
        await write(watched, "0.3")
        sent: list[object] = []

        async def lose(route: Route) -> None:
            sent.append(route.request.post_data_json)
            if len(sent) > 1:
                return await route.continue_()
            await route.fetch()
            await route.abort()

        await watched.page.route("**/orders/twap", lose)
        dialog = watched.page.get_by_role("dialog")
        for _ in range(2):
            await watched.page.get_by_role("button", name="Buy 0.3 BTC").click()
            await dialog.get_by_role("button", name="Buy").click()
            await dialog.wait_for(state="detached")
            if len(sent) == 1:
                await expect(watched.page.get_by_role("alert")).to_contain_text("it is never two")
        await watched.page.wait_for_url("**/#/order/web-*")
        assert sent[0] == sent[1]
        await watched.open("#/ticket/binance/BTC-USDT")
        token = await watched.page.evaluate("JSON.parse(sessionStorage.getItem('twap-draft')).token_id")
        assert token not in str(sent), "the next order has a name of its own"


async def test_the_ticket_is_used_by_keys_alone(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        await watched.page.keyboard.press("t")
        quantity = watched.page.get_by_label("Quantity")
        await quantity.wait_for()
        await watched.page.keyboard.press("s")
        await expect(watched.page.get_by_role("radio", name="Sell")).to_be_checked()
        await quantity.focus()
        await watched.page.keyboard.type("0.2")
        await expect(watched.page.get_by_label("Preview")).to_contain_text("Sells 0.2 BTC")
        await expect(watched.page.get_by_label("Preview")).to_contain_text("It would be accepted")
        await watched.page.keyboard.press("Enter")
        await watched.page.get_by_role("dialog").wait_for()
        await watched.page.keyboard.press("Enter")
        await watched.page.wait_for_url("**/#/order/web-*")


async def test_a_name_that_is_used_up_is_replaced_by_one_click(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        token = await placed(watched)
        await watched.open("#/ticket/binance/BTC-USDT")
        await watched.page.evaluate(
            "async (token_id) => (await import('/dashboard/core/draft.js')).fill({token_id})", token
        )
        await write(watched, "0.25")
        await watched.page.get_by_role("button", name="Use a new one").click()
        await expect(watched.page.get_by_label("Preview")).to_contain_text("It would be accepted")
