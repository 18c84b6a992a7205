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

        await watched.page.route("**/orders", lose)
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


async def test_strategies_are_compared_chosen_and_placed(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        await watched.open("#/ticket/binance/BTC-USDT")
        await write(watched, "0.4")
        page = watched.page
        beside = page.get_by_label("Strategies side by side")
        await expect(beside.get_by_role("row")).to_have_count(6)
        await expect(page.get_by_role("img", name="What should be filled by when")).to_be_visible()
        await expect(page.get_by_label("Strategies", exact=True)).to_contain_text(
            re.compile(r"an order of this size \([0-9.]+ % of a day's volume\) costs about [0-9.]+ bps")
        )
        await beside.get_by_role("button", name="IS medium").click()
        await page.get_by_label("Urgency", exact=True).select_option("high")
        await expect(page.get_by_label("Preview")).to_contain_text("as IS high, in 120 slices")
        await expect(beside.get_by_role("row", name="IS high")).to_contain_text("yours")
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []
        await page.get_by_role("button", name="Buy 0.4 BTC").click()
        await expect(page.get_by_role("dialog")).to_contain_text("as IS high")
        await page.get_by_role("dialog").get_by_role("button", name="Buy").click()
        await page.wait_for_url("**/#/order/web-*")
        await expect(page.get_by_label("Order", exact=True)).to_contain_text("IS high")
        await page.get_by_role("button", name="Amend").click()
        await expect(page.get_by_role("dialog")).to_contain_text("Strategy: IS high. It stays")
        await page.get_by_role("dialog").get_by_label("Quantity").fill("0.8")
        await expect(page.get_by_role("dialog")).to_contain_text("Left to do:")
        await watched.open("#/orders")
        await expect(page.get_by_role("row", name="IS high").first).to_be_visible()


async def test_a_strategy_asks_for_its_own_parameters_alone(demo: str) -> None:
    async with browsing(demo, width=360, height=740, is_dark=True) as watched:
        await watched.enter_demo()
        await watched.open("#/ticket/binance/BTC-USDT")
        await write(watched, "0.4")
        page = watched.page
        strategy = page.get_by_label("Strategy", exact=True)
        await strategy.select_option("pov")
        await page.get_by_label("Participation", exact=False).first.fill("")
        await expect(page.get_by_label("Preview")).to_contain_text("Give a participation")
        await page.get_by_label("Participation", exact=False).first.fill("12.5")
        await expect(page.get_by_label("Preview")).to_contain_text("as POV 12.5 %")
        slices = page.get_by_role("region", name="Slices", exact=True)
        await expect(slices).to_contain_text("depends on what others trade")
        await strategy.select_option("vwap")
        await page.get_by_text("own weights").click()
        await page.get_by_role("textbox", name="Weights").fill("1000 x")
        await expect(page.get_by_text("Write numbers with spaces between")).to_be_visible()
        await page.get_by_role("textbox", name="Weights").fill("1000 1500, 2000")
        await expect(page.get_by_label("Preview")).to_contain_text("as VWAP by weights")
        await strategy.select_option("is")
        await page.get_by_text("half-life", exact=True).click()
        await page.get_by_role("textbox", name="Half-life").fill("2m")
        await expect(page.get_by_label("Preview")).to_contain_text("as IS, half-life 120 s")
        assert await watched.overflowing() == []


_POINT = '{time: "2026-11-30T12:00:0%sZ", quantity: "%s"}'


async def test_curves_of_other_moments_share_an_axis(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open("#/sign-in")
        one = ", ".join(_POINT % point for point in ((0, 0), (2, 5)))
        other = ", ".join(_POINT % point for point in ((0, 0), (1, 5), (2, 5)))
        script = f"import('./dashboard/views/ticket/curves.js').then((it) => it.joined([[{one}], [{other}]]))"
        begin = 1_796_040_000
        assert await watched.page.evaluate(script) == [
            [begin, begin + 1, begin + 2],
            [0, None, 5],
            [0, 5, 5],
        ]


_NOT_KNOWN = """
async () => {
    const {render} = await import("preact");
    const {html} = await import("/dashboard/core/html.js");
    const {Comparison} = await import("/dashboard/views/ticket/comparison.js");
    const one = (strategy, expected_cost_bps, risk_bps) =>
        ({strategy, expected_cost_bps, risk_bps, curve: [], note: "", strategy_parameters: null});
    const strategies = [one("twap", "0.5", null), one("sweep", "3.25", null)];
    const preview = {strategy: "twap", quantity: "1", strategies};
    const place = document.querySelector("main").appendChild(document.createElement("div"));
    render(html`<${Comparison} preview=${preview} base="BTC" />`, place);
}
"""


async def test_a_strategy_whose_risk_is_not_known_has_no_place_among_the_points(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open("#/ticket/binance/BTC-USDT")
        await watched.page.evaluate(_NOT_KNOWN)
        card = watched.page.get_by_label("Strategies", exact=True)
        await expect(card).to_contain_text("Risk is not known: there are no closed candles")
        await expect(card.get_by_role("row", name="sweep")).to_contain_text("not known")
        assert await card.get_by_text("Cost against risk").count() == 0


async def test_a_realism_is_chosen_told_and_kept_by_the_order(demo: str) -> None:
    async with browsing(demo, width=360, height=740) as watched:
        watched.allowed.append("422")
        await watched.enter_demo()
        await watched.open("#/ticket/binance/BTC-USDT")
        await write(watched, "0.4")
        page = watched.page
        preview = page.get_by_label("Preview")
        await page.get_by_label("Realism").select_option("remote")
        await expect(preview).to_contain_text("105ms to 145ms from decision to exchange")
        await page.get_by_label("Realism").select_option("own")
        await page.get_by_role("textbox", name="More or less").fill("200ms")
        wrong = page.locator("form").get_by_text("Expected at most the latency")
        await expect(wrong).to_be_visible()
        await page.get_by_role("textbox", name="Latency").fill("250ms")
        await page.get_by_text("shifts the price").click()
        await expect(preview).to_contain_text("50ms to 450ms")
        await expect(preview).to_contain_text("what you take shifts the price")
        assert await watched.overflowing() == []
        await page.get_by_role("button", name="Buy 0.4 BTC").click()
        await page.get_by_role("dialog").get_by_role("button", name="Buy").click()
        await page.wait_for_url("**/#/order/web-*")
        order = page.get_by_label("Order", exact=True)
        await expect(order).to_contain_text("own figures: 250ms on the way, price shift")
