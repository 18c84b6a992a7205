"""The market in the page: the book as a ladder, candles, trades; what a click does; phones, keyboards."""

import re
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from playwright.async_api import TimeoutError as NotShown

from support.browser import Watched, browsing

pytestmark = pytest.mark.browser

_TAKE = """
() => import("./dashboard/core/api.js").then((api) => api.post("orders/twap", {
  token_id: crypto.randomUUID(), exchange: "binance", symbol: "BTC-USDT", side: "buy",
  quantity: "3", duration: "2s", slices: 1}))
"""
_LIMIT = """
() => import("./dashboard/core/api.js").then((api) => api.post("orders/twap", {
  token_id: crypto.randomUUID(), exchange: "binance", symbol: "BTC-USDT", side: "buy",
  quantity: "0.5", price: "59000", duration: "10m", slices: 5}))
"""
_SHOWN = """
async () => {
  const all = [...document.querySelectorAll(".asks button.rung")];
  all[0].focus();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const words = (rung, name) => rung.querySelector(name).innerText.match(/[\\d.]+/)[0];
  const cells = [".price", ".quantity", ".total"];
  const rungs = all.reverse().map((rung) => cells.map((name) => words(rung, name)));
  return {rungs, sweep: document.querySelector(".sweep").innerText};
}
"""
_DRAFT = "import('./dashboard/core/draft.js').then((module) => module.draft.value)"


async def _book(watched: Watched, place: str = "#/market/binance/BTC-USDT") -> None:
    await watched.open(place)
    await watched.page.get_by_text("● live").wait_for()


def _number(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.]", "", text))


@pytest.mark.parametrize(("width", "is_dark"), [(1440, False), (1280, True), (900, False)])
async def test_a_live_market_fits_and_is_accessible(demo: str, width: int, is_dark: bool) -> None:
    async with browsing(demo, width=width, height=900, is_dark=is_dark) as watched:
        await _book(watched)
        await watched.page.locator(".candle-legend", has_text="close").wait_for()
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []


@pytest.mark.parametrize("tab", ["chart", "book", "depth", "trades", "facts"])
async def test_each_tab_fits_a_narrow_phone(demo: str, tab: str) -> None:
    async with browsing(demo, width=360, height=740) as watched:
        await watched.open(f"#/market?tab={tab}")
        await watched.page.get_by_role("button", name="Depth", exact=True).wait_for()
        await watched.page.locator(".badge.status-live").first.wait_for()
        assert await watched.overflowing() == []
        shown = await watched.page.locator(".market > *:visible").count()
        assert shown == 1


async def test_a_ladder_adds_up_and_prices_a_sweep_to_the_last_digit(demo: str) -> None:
    async with browsing(demo) as watched:
        await _book(watched)
        shown: dict[str, Any] = await watched.page.evaluate(_SHOWN)
        rungs = [
            (Decimal(price), Decimal(quantity), Decimal(total)) for price, quantity, total in shown["rungs"]
        ]
        assert [total for _, _, total in rungs[:3]] == [
            sum(quantity for _, quantity, _ in rungs[: count + 1]) for count in range(3)
        ]
        swept = sum(price * quantity for price, quantity, _ in rungs)
        assert _number(shown["sweep"].split("cost")[1].split("USDT")[0]) == swept


async def test_prices_are_put_together_in_steps_that_the_address_keeps(demo: str) -> None:
    async with browsing(demo) as watched:
        await _book(watched)
        await watched.page.get_by_label("Step of prices").select_option("0.1")
        await watched.page.wait_for_url("**group=0.1*")
        texts = await watched.page.locator("button.rung .price").all_text_contents()
        prices = [Decimal(text.split()[1]) for text in texts]
        assert prices == sorted(prices, reverse=True)
        assert {price % Decimal("0.1") for price in prices} == {Decimal(0)}
        await watched.page.locator("main").focus()
        await watched.page.keyboard.press("g")
        await watched.page.wait_for_url("**group=0.5*")


async def test_a_rung_becomes_a_limit_by_keyboard_alone(demo: str) -> None:
    async with browsing(demo) as watched:
        await _book(watched)
        await watched.page.evaluate("document.querySelector('.asks button.rung.best').focus()")
        await watched.page.keyboard.press("ArrowDown")
        assert (await watched.page.evaluate("document.activeElement.textContent")).startswith("bid ")
        await watched.page.keyboard.press("Enter")
        await watched.page.get_by_text("In the ticket: sell BTC-USDT").wait_for()
        draft: dict[str, Any] = await watched.page.evaluate(_DRAFT)
        assert (draft["exchange"], draft["symbol"], draft["side"]) == ("binance", "BTC-USDT", "sell")
        assert re.fullmatch(r"\d+(\.\d+)?", draft["price"])


async def _take(watched: Watched) -> None:
    """Until it shows: the made market may remove the levels that were taken, and they are as new then."""
    for _ in range(5):
        await watched.page.evaluate(_TAKE)
        with suppress(NotShown):
            await watched.page.locator(".rung .bar.taken").first.wait_for(timeout=5_000)
            return
    raise AssertionError("what was taken was never hatched")


async def test_what_you_took_is_hatched_and_your_fills_are_on_the_chart(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        await _book(watched)
        await watched.page.evaluate(_LIMIT)
        await _take(watched)
        label = await watched.page.locator(".rung:has(.taken)").first.text_content()
        assert "you took" in (label or "")


async def test_a_merged_book_names_the_shares_of_its_exchanges(demo: str) -> None:
    async with browsing(demo) as watched:
        await _book(watched, "#/market/aggregate/BTC-USDT")
        shares = await watched.page.locator(".shares .badge").all_inner_texts()
        assert {"binance", "kraken"} <= {share.split()[0] for share in shares}
        assert abs(sum(_number(share.split()[1]) for share in shares) - 100) < 1


async def test_an_unknown_instrument_says_so(demo: str) -> None:
    async with browsing(demo) as watched:
        watched.allowed.append("404")
        await watched.open("#/market/binance/NO-SUCH")
        await watched.page.get_by_text("binance does not list NO-SUCH").wait_for()
