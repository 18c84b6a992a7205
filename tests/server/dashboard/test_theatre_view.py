"""A replay in the page: it scrubs, plays, steps from slice to slice, and a link leads to the same moment."""

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from support.browser import Watched, browsing, why_not
from support.theatre import theatre

pytestmark = pytest.mark.browser

_ORDER = {"exchange": "binance", "symbol": "BTC-USDT", "quantity": 9, "duration": "20s", "interval": 2}
_ORDERS = [
    _ORDER | {"token_id": "steady", "start_time": "+5s"},
    _ORDER | {"token_id": "limited", "side": "sell", "price": 60001, "start_time": "+10s"},
    _ORDER | {"token_id": "sharp", "start_time": "2024-08-08T23:54:20Z"},
    _ORDER | {"token_id": "late", "start_time": "+50s", "duration": "1m"},
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a theatre."""
    if reason := why_not():
        pytest.skip(reason)
    with theatre(tmp_path_factory.mktemp("stage"), _ORDERS) as url:
        yield url


async def _shown(watched: Watched, number: int) -> None:
    """Wait until this frame is shown."""
    await watched.page.locator(f".theatre[data-number='{number}']").wait_for()


@pytest.mark.parametrize(("width", "is_dark"), [(1280, False), (360, True)])
async def test_every_part_fits_is_accessible_and_what_stays_in_sight_says_that_it_is_a_replay(
    stage: str, width: int, is_dark: bool
) -> None:
    async with browsing(stage, width=width, height=844, is_dark=is_dark) as watched:
        await watched.open("#/replay?t=2024-08-08T23:54:40Z&slice=2")
        page = watched.page
        await expect(page.get_by_label("Slice 3", exact=True)).to_contain_text("Mid")
        await expect(page.locator("header .market-replay")).to_have_text("REPLAY")
        await page.mouse.wheel(0, 1_500)
        await expect(page.get_by_label("Playing").get_by_text("REPLAY")).to_be_in_viewport()
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []


async def test_there_is_nothing_to_sign_in_to_or_to_trade_with(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open()
        await expect(watched.page.get_by_role("heading", name="made.jsonl.gz")).to_be_visible()
        assert await watched.page.get_by_role("link", name="Sign in").count() == 0
        assert await watched.page.get_by_role("navigation").get_by_role("link").count() == 0
        await watched.page.get_by_role("button", name="bid 59").first.click()
        assert await watched.page.get_by_text("In the ticket").count() == 0


async def test_a_link_leads_to_the_moment_and_keys_move_on(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open("#/replay?t=2024-08-08T23:54:35Z")
        await _shown(watched, 20)
        await watched.page.keyboard.press(".")
        await _shown(watched, 21)
        await watched.page.wait_for_url("**t=2024-08-08T23%3A54%3A36Z*")
        await watched.page.reload()
        await _shown(watched, 21)
        await watched.page.keyboard.press(",")
        await _shown(watched, 20)
        await watched.page.evaluate("location.hash = '#/replay?t=2024-08-08T23:54:45Z'")
        await _shown(watched, 30)


async def test_it_scrubs_by_mouse_and_keyboard(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open("#/replay")
        await _shown(watched, 0)
        scrub = watched.page.get_by_label("Moment of the recording")
        await scrub.fill("33")
        await _shown(watched, 33)
        await scrub.press("ArrowRight")
        await _shown(watched, 34)
        await scrub.press("Home")
        await _shown(watched, 0)


async def test_it_steps_from_slice_to_slice_with_what_each_saw(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open("#/replay?order=steady")
        await _shown(watched, 0)
        page = watched.page
        for number in (1, 2):
            await page.keyboard.press("n")
            await expect(page.get_by_label(f"Slice {number}", exact=True)).to_contain_text("Mid")
            await expect(page.get_by_role("region", name="Slices", exact=True)).to_contain_text(
                f"{number} over"
            )
        await page.keyboard.press("b")
        await expect(page.get_by_label("Slice 1", exact=True)).to_contain_text("Mid")
        await expect(page.get_by_role("region", name="Slices", exact=True)).to_contain_text(
            "1 over, 9 to come"
        )


async def test_one_moment_shows_one_state(stage: str) -> None:
    """At the very second of a slice, order, slices and fills all have it."""
    async with browsing(stage) as watched:
        await watched.open("#/replay?order=sharp&t=2024-08-08T23:54:26Z")
        page = watched.page
        await _shown(watched, 11)
        await expect(page.get_by_role("region", name="Slices", exact=True)).to_contain_text("4 over")
        await expect(page.get_by_label("Order", exact=True)).to_contain_text("40.0 %")
        await expect(page.get_by_role("region", name="Fills", exact=True)).to_contain_text("23:54:26")


async def test_stepping_writes_the_address_that_leads_there(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open()
        await _shown(watched, 0)
        await watched.page.get_by_role("button", name="slice ▸").click()
        await watched.page.wait_for_url("**/#/replay?order=steady&t=2024-08-08T23%3A54%3A20Z&slice=0")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("order=nope", "The replay has no order nope: steady is shown."),
        (
            "t=2027-01-01T00:00:00Z",
            "is behind the recording's end: its last moment, 2024-08-08T23:55:14Z, is",
        ),
        (
            "t=2020-01-01T00:00:00Z",
            "is before the recording's beginning: its first moment, 2024-08-08T23:54:15Z",
        ),
        ("t=noon", "noon is no moment"),
        ("order=steady&slice=99", "steady has no slice 100 that was decided."),
        ("book=7", "The replay has no book 7."),
    ],
)
async def test_an_address_that_the_replay_does_not_have_is_told(stage: str, query: str, words: str) -> None:
    async with browsing(stage, width=360) as watched:
        await watched.open(f"#/replay?{query}")
        await expect(watched.page.get_by_role("status").filter(has_text=words)).to_be_visible()
        assert await watched.overflowing() == []


async def test_the_depth_says_what_its_figures_are(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open("#/replay?t=2024-08-08T23:54:40Z")
        await expect(watched.page.get_by_label("Depth", exact=True)).to_contain_text(
            "BTC in the best 25 levels · asks:"
        )
        await expect(watched.page.get_by_label("Order book")).to_contain_text("The best 13 prices a side")


async def test_it_plays_where_the_first_frame_began_before_it(stage: str) -> None:
    """A busy browser tells of frames late: the playhead went to before the begin, and waited there."""
    async with browsing(stage) as watched:
        page = watched.page
        await page.add_init_script(
            "const real = requestAnimationFrame;"
            "window.requestAnimationFrame = (draw) => real((moment) => draw(moment - 200));"
        )
        await watched.open("#/replay?speed=10")
        await _shown(watched, 0)
        await page.get_by_role("button", name="Play").click()
        await page.wait_for_function("() => Number(document.querySelector('.scrub').value) > 1")


async def test_it_plays_at_every_speed_to_the_end_and_from_the_beginning_again(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open("#/replay?speed=600")
        page = watched.page
        moment = page.get_by_label("Moment of the recording")
        for speed in ("600×", "60×"):
            await moment.fill("0")  # else what stood there before the click could be taken for the end
            await page.get_by_text(speed, exact=True).click()
            await page.get_by_role("button", name="Play").click()
            await expect(moment).to_have_value("59")
            await expect(page.get_by_role("button", name="Play")).to_be_visible()
        await page.get_by_text("10×", exact=True).click()
        await page.keyboard.press("k")
        await expect(page.get_by_role("button", name="Pause")).to_be_visible()
        await page.wait_for_function("() => Number(document.querySelector('.scrub').value) > 1")
        await page.get_by_text("1×", exact=True).click()
        await page.keyboard.press("k")
        await expect(page.get_by_role("button", name="Play")).to_be_visible()


async def test_an_order_stands_as_it_stood_and_its_report_comes_with_its_end(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open("#/replay?order=steady")
        page = watched.page
        order = page.get_by_label("Order", exact=True)
        await expect(order).to_contain_text("Accepted")
        await expect(order).to_contain_text("starts in")
        scrub = page.get_by_label("Moment of the recording")
        await scrub.fill("12")
        await expect(order).to_contain_text("Working")
        await expect(page.get_by_label("Execution report")).to_have_count(0)
        await scrub.fill("30")
        await expect(order).to_contain_text("Filled")
        await expect(page.get_by_label("Execution report")).to_contain_text("sum to the shortfall exactly")


async def test_an_order_that_the_recording_did_not_outlast_is_told_so_far(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open("#/replay?order=late&t=2024-08-08T23:55:20Z")
        report = watched.page.get_by_label("Execution report")
        await expect(report).to_contain_text("so far")
        assert await watched.overflowing() == []


async def test_ages_and_distances_count_from_the_moment(stage: str) -> None:
    async with browsing(stage) as watched:
        await watched.open("#/replay?order=steady&t=2024-08-08T23:54:25Z")
        await expect(watched.page.get_by_label("Order", exact=True)).to_contain_text("ends in 1")
        await expect(watched.page.get_by_label("Order book")).to_contain_text("ms old")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"token_id": "live", "sha256": "HASH"}', "Equal: the live order made the same decisions"),
        ('{"token_id": "live", "sha256": "' + "0" * 64 + '"}', "Not equal: the live order live has 0000"),
        ('{"token_id": "live", "sha256": null}', "has no sha256"),
        ("no proof", "is not JSON"),
    ],
)
async def test_a_replayed_order_is_held_against_a_live_ones_proof(
    stage: str, content: str, words: str
) -> None:
    async with browsing(stage, width=360) as watched:
        await watched.open("#/replay?order=steady&t=2024-08-08T23:55:10Z")
        shown = watched.page.locator(".report .hash code")
        await expect(shown).to_be_visible()
        proof = content.replace("HASH", await shown.inner_text()).encode()
        beside = watched.page.get_by_label("Beside a live order")
        file = {"name": "proof.json", "mimeType": "application/json", "buffer": proof}
        await beside.get_by_label("Its proof").set_input_files(file)  # type: ignore[arg-type]
        await expect(beside.get_by_role("status")).to_contain_text(words)
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []
