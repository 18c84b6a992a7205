"""The page of one order shows what happened, changes it knowingly, and its report's parts sum exactly."""

from decimal import Decimal

import pytest
from playwright.async_api import expect

from support.browser import browsing
from support.page_orders import placed, read, saved_text

pytestmark = pytest.mark.browser

_CUT = """
() => {
    const which = ".report .scroll, .order-tables .table, .order-tables .number";
    const isCut = (one) => one.scrollWidth > one.clientWidth + 1;
    return [...document.querySelectorAll(which)].filter(isCut).map((one) => one.innerText.slice(0, 60));
}
"""


async def test_an_order_fills_ends_and_its_parts_sum_to_the_whole(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        token = await placed(watched, quantity="9", duration="4s", interval="1s")
        await watched.open(f"#/order/{token}")
        page = watched.page
        report = page.get_by_label("Execution report")
        await expect(report.get_by_role("heading", name="Execution report")).to_be_visible()
        await expect(page.get_by_label("Order", exact=True)).to_contain_text("Filled")
        await expect(report).to_contain_text("sum to the shortfall exactly")
        await expect(report.get_by_text("so far")).to_have_count(0)
        shown = report.locator("[data-amount]")
        *parts, whole = [
            Decimal(text.replace("\u2009", "").replace("\u2212", "-"))
            for text in await shown.all_inner_texts()
        ]
        assert len(parts) == 7
        assert sum(parts) == whole
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []


@pytest.mark.parametrize("width", [390, 1280])
async def test_no_figure_of_an_order_is_cut(demo: str, width: int) -> None:
    async with browsing(demo, width=width, height=844) as watched:
        await watched.enter_demo()
        token = await placed(watched, quantity="0.06", duration="2s", interval="1s")
        await watched.open(f"#/order/{token}")
        report = watched.page.get_by_label("Execution report")
        await expect(report.get_by_text("so far")).to_have_count(0)
        await expect(report.get_by_label("Other ways")).to_be_visible()
        assert await watched.page.evaluate(_CUT) == []


async def test_a_slice_tells_what_it_saw(demo: str) -> None:
    async with browsing(demo, width=390, height=844, is_dark=True) as watched:
        await watched.enter_demo()
        token = await placed(watched, quantity="6", duration="3s", interval="1s")
        await watched.open(f"#/order/{token}")
        page = watched.page
        await page.get_by_role("button", name="Slice 1: what it saw").click()
        seen = page.get_by_label("Slice 1", exact=True)
        for words in ("Mid", "Touch", "Book's last change", "level taken", "binance"):
            await expect(seen).to_contain_text(words)
        assert page.url.endswith("?slice=0"), "the address keeps it"
        await page.reload()
        await expect(seen).to_be_visible()
        assert await watched.overflowing() == []


async def test_an_amendment_shows_what_would_change_and_is_sent(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        token = await placed(watched)
        await watched.open(f"#/order/{token}")
        page = watched.page
        await page.get_by_role("button", name="Amend").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("button", name="Send the change")).to_be_disabled()
        await dialog.get_by_label("Quantity").fill("0.8")
        await dialog.get_by_label("Limit").fill("90000")
        await expect(dialog).to_contain_text("Quantity: 0.4 → 0.8 BTC")
        await expect(dialog).to_contain_text("Limit: none → 90\u2009000 USDT")
        await expect(dialog).to_contain_text("Left to do:")
        await dialog.get_by_role("button", name="Send the change").click()
        await expect(page.get_by_role("heading", name="buy 0.8 BTC")).to_be_visible()
        order = await read(watched, token)
        assert (Decimal(order["quantity"]), Decimal(order["limit_price"]), order["revision"]) == (
            Decimal("0.8"),
            Decimal(90000),
            "2",
        )


async def test_an_amendment_made_elsewhere_is_told_before_ours_counts(demo: str) -> None:
    async with browsing(demo) as watched:
        watched.allowed.append("412")
        await watched.enter_demo()
        token = await placed(watched)
        await watched.open(f"#/order/{token}")
        await watched.page.get_by_role("button", name="Amend").click()
        dialog = watched.page.get_by_role("dialog")
        await dialog.get_by_label("Quantity").fill("0.9")
        await watched.page.evaluate(
            """async (token) => {
                await (await import("/dashboard/core/orders.js")).amend(token, "1", {quantity: "0.6"});
            }""",
            token,
        )
        await dialog.get_by_role("button", name="Send the change").click()
        await expect(dialog).to_contain_text("Somebody amended this order after you opened the form")
        await expect(dialog).to_contain_text("Quantity: 0.6 → 0.9 BTC")
        assert Decimal((await read(watched, token))["quantity"]) == Decimal("0.6")
        await dialog.get_by_role("button", name="Send the change").click()
        await dialog.wait_for(state="detached")
        assert Decimal((await read(watched, token))["quantity"]) == Decimal("0.9")


async def test_keys_pause_and_cancel_and_the_page_follows(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        token = await placed(watched)
        await watched.open(f"#/order/{token}")
        order = watched.page.get_by_label("Order", exact=True)
        await expect(order).to_contain_text("Working")
        await watched.page.keyboard.press("p")
        await expect(order).to_contain_text("Paused")
        await watched.page.keyboard.press("x")
        await watched.page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
        await expect(order).to_contain_text("Canceled")
        async with watched.page.expect_download() as saved:
            await watched.page.get_by_role("button", name="Page", exact=True).click()
        download = await saved.value
        assert download.suggested_filename == f"{token}.html"
        assert "<!doctype html>" in (await saved_text(download)).lower()


async def test_many_fast_slices_do_not_keep_the_newest_and_the_events_away(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        token = await placed(watched, quantity="60", duration="1000s", interval="0.1")
        await watched.open(f"#/order/{token}")
        await expect(watched.page.get_by_text("the newest 1,000 are drawn")).to_be_visible()
        events = watched.page.get_by_role("table", name="Events").get_by_role("row")
        await expect(events.filter(has_text="slice").first).to_be_visible()
        await watched.page.evaluate(
            "async (token) => (await import('/dashboard/core/orders.js')).cancel(token)", token
        )
        await expect(watched.page.get_by_label("Order", exact=True)).to_contain_text("Canceled")
        await expect(events.first).to_contain_text("ended")
        slices = watched.page.get_by_role("table", name="Slices").get_by_role("button")
        await slices.first.click()
        await expect(watched.page.locator(".seen")).to_contain_text("Mid")


_PAUSED_AND_RESUMED = """
async ([token, times]) => {
  const {pause, resume, cancel} = await import("/dashboard/core/orders.js");
  for (let time = 0; time < times; time += 1) {
    await pause(token);
    await resume(token);
  }
  await cancel(token);
}
"""


async def test_the_newest_events_come_first_and_the_oldest_by_scrolling(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        token = await placed(watched, duration="2h", interval="1h", start_time="+1h")
        await watched.page.evaluate(_PAUSED_AND_RESUMED, [token, 260])
        await watched.open(f"#/order/{token}")
        table = watched.page.get_by_role("table", name="Events")
        heading = watched.page.get_by_role("heading", name="Events")
        rows = table.get_by_role("row")
        await expect(heading).to_have_text("Events the newest 500, older ones as you scroll")
        await expect(rows.first).to_contain_text("ended")
        down = "(list) => list.scrollTo(0, list.scrollHeight)"
        await table.locator(".virtual").evaluate(down)
        await expect(heading).to_have_text("Events 522")
        await table.locator(".virtual").evaluate(down)
        await expect(rows.last).to_contain_text("accepted")


async def test_an_order_that_is_not_there_is_told(demo: str) -> None:
    async with browsing(demo) as watched:
        watched.allowed.append("404")
        await watched.enter_demo()
        await watched.open("#/order/nothing-here")
        await expect(watched.page.get_by_role("alert")).to_contain_text("you have no order 'nothing-here'")
