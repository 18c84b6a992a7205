"""The heat map in the page: it records while the page is open, moves by keys, shows gaps as gaps."""

import pytest

from support.browser import Watched, browsing

pytestmark = pytest.mark.browser

_PIXELS = """
async () => {
  const canvas = document.querySelector(".heat-plot .under");
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  await new Promise((done) => requestAnimationFrame(done));
  document.querySelector(".heat-plot").dispatchEvent(new KeyboardEvent("keydown", {key: "]"}));
  await new Promise((done) => requestAnimationFrame(() => {
    copy.getContext("2d").drawImage(canvas, 0, 0);
    done();
  }));
  const {data} = copy.getContext("2d").getImageData(0, 0, copy.width, copy.height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4) colours.add(`${data[at]} ${data[at + 1]} ${data[at + 2]}`);
  return colours.size;
}
"""
_KEPT = """
() => import("./dashboard/core/recorder.js").then(({record}) => {
  const {recording} = record("binance", "BTC-USDT");
  return {first: recording.first, last: recording.last, trades: recording.trades.length};
})
"""
_UNTIL_KEPT = """
async (seconds) => {
  const {record} = await import("./dashboard/core/recorder.js");
  const {recording} = record("binance", "BTC-USDT");
  while (!recording.first || recording.last - recording.first < seconds) {
    await new Promise((done) => setTimeout(done, 50));
  }
}
"""
_WITHOUT_WEBGL = """
const before = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind === "webgl2" ? null : before.call(this, kind, ...more);
};
"""


async def _recorded(watched: Watched, seconds: int) -> None:
    """Wait until so many seconds of the book are kept."""
    await watched.page.evaluate(_UNTIL_KEPT, seconds)


async def test_depth_becomes_colours_and_everything_fits(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open("#/heatmap/binance/BTC-USDT")
        await watched.page.locator(".heat-plot[data-painter=webgl2]").wait_for()
        await _recorded(watched, 2)
        assert await watched.page.evaluate(_PIXELS) > 5
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []
        assert "since" in await watched.page.locator(".heat-foot").inner_text()


async def test_without_webgl_a_plain_canvas_draws_the_same(demo: str) -> None:
    async with browsing(demo, width=390, is_dark=True) as watched:
        await watched.page.add_init_script(_WITHOUT_WEBGL)
        await watched.open("#/heatmap/binance/BTC-USDT")
        await watched.page.locator(".heat-plot[data-painter=canvas]").wait_for()
        await _recorded(watched, 2)
        assert await watched.page.evaluate(_PIXELS) > 5
        assert await watched.overflowing() == []


async def test_it_goes_on_recording_while_another_view_is_shown(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open("#/market/binance/BTC-USDT")
        await _recorded(watched, 1)
        before = await watched.page.evaluate(_KEPT)
        await watched.page.evaluate("location.hash = '#/health'")
        await _recorded(watched, before["last"] - before["first"] + 2)
        await watched.page.evaluate("location.hash = '#/heatmap/binance/BTC-USDT'")
        await watched.page.locator(".heat-plot").wait_for()
        after = await watched.page.evaluate(_KEPT)
        assert after["first"] == before["first"]


async def test_keys_move_it_into_the_past_and_a_pill_goes_live(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open("#/heatmap/binance/BTC-USDT")
        await watched.page.locator(".heat-plot[data-painter]").wait_for()
        await _recorded(watched, 1)
        await watched.page.locator(".heat-plot").focus()
        await watched.page.keyboard.press("ArrowLeft")
        await watched.page.get_by_role("button", name="Go live").click()
        await watched.page.get_by_role("button", name="● live").wait_for()
        await watched.page.locator(".heat-plot").focus()
        await watched.page.keyboard.press("ArrowUp")
        await watched.page.get_by_role("button", name="Go live").wait_for()
        await watched.page.keyboard.press("l")
        await watched.page.get_by_role("button", name="● live").wait_for()


async def test_the_length_of_time_is_kept_in_the_address(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open("#/heatmap/binance/BTC-USDT")
        await watched.page.locator(".heat-plot[data-painter]").wait_for()
        await watched.page.get_by_role("button", name="15 min").click()
        await watched.page.wait_for_url("**span=900*")
        await watched.page.reload()
        pressed = watched.page.get_by_role("button", name="15 min", pressed=True)
        await pressed.wait_for()
