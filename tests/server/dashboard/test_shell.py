"""The page around every view signs in, fits, can be read and used by everybody, and survives the server."""

import pytest

from support.browser import browsing, demo_server
from support.page_orders import closed, placed

pytestmark = pytest.mark.browser

VIEWS = ("market", "heatmap", "ticket", "orders", "costs", "health", "sign-in")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("width", "is_dark"), [(1280, False), (390, True)])
async def test_each_view_fits_and_is_accessible(demo: str, view: str, width: int, is_dark: bool) -> None:
    async with browsing(demo, width=width, height=844, is_dark=is_dark) as watched:
        await watched.open(f"#/{view}")
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []


@pytest.mark.parametrize("view", ["market", "ticket", "orders?status=all", "costs", "health"])
async def test_each_view_of_a_user_fits_the_smallest_phone(demo: str, view: str) -> None:
    async with browsing(demo, width=360, height=740) as watched:
        await watched.enter_demo()
        await closed(
            watched, await placed(watched, quantity="2", duration="2s", interval="1s", start_time="+1s")
        )
        await watched.open(f"#/{view}")
        await watched.page.locator("main .card").first.wait_for()
        assert await watched.overflowing() == []


async def test_a_visitor_of_a_demo_enters_with_one_click_and_stays_signed_in_over_a_reload(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.enter_demo()
        await watched.page.reload()
        assert await watched.page.locator("header .who").inner_text() == "demo"
        cookies = await watched.page.context.cookies()
        assert [(one["name"], one["httpOnly"], one["sameSite"]) for one in cookies] == [
            ("twap_refresh", True, "Strict")
        ]
        assert (
            await watched.page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))") == []
        )
        async with watched.page.expect_response("**/auth/browser/log-out"):
            await watched.page.get_by_role("button", name="Sign out").click()
        await watched.page.get_by_role("link", name="Sign in").wait_for()
        assert await watched.page.context.cookies() == []


async def test_a_wrong_password_is_told_beside_the_form(demo: str) -> None:
    async with browsing(demo) as watched:
        watched.allowed.append("401")
        await watched.open("#/sign-in")
        await watched.page.get_by_label("Name").fill("nobody")
        await watched.page.get_by_label("Password").fill("not the password")
        await watched.page.locator("form").get_by_role("button", name="Sign in").click()
        assert "password" in await watched.page.get_by_role("alert").inner_text()


async def test_an_account_is_made_in_the_page(demo: str) -> None:
    async with browsing(demo) as watched:
        watched.allowed.append("422")
        await watched.open("#/sign-in")
        await watched.page.get_by_role("button", name="Make an account").click()
        await watched.page.get_by_label("Name").fill("grace")
        await watched.page.get_by_label("Password").fill("short")
        await watched.page.get_by_role("button", name="Make the account").click()
        await watched.page.get_by_text("at least 8").first.wait_for()
        await watched.page.get_by_label("Password").fill("long enough, this")
        await watched.page.get_by_role("button", name="Make the account").click()
        await watched.page.locator("header .who").wait_for()
        assert await watched.page.locator("header .who").inner_text() == "grace"


async def test_orders_ask_for_a_sign_in_and_then_show_what_was_asked_for(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open("#/orders")
        await watched.page.get_by_role("button", name="Enter the demo").click()
        await watched.page.locator("header .who").wait_for()
        assert watched.page.url.endswith("#/orders")


async def test_the_keyboard_alone_reaches_every_view(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open()
        await watched.page.keyboard.press("?")
        await watched.page.get_by_role("dialog").wait_for()
        assert "go to Health" in await watched.page.get_by_role("dialog").inner_text()
        await watched.page.keyboard.press("Escape")
        await watched.page.keyboard.press("e")
        await watched.page.wait_for_url("**/#/health")
        await watched.page.keyboard.press("m")
        await watched.page.wait_for_url("**/#/market")


async def test_the_theme_can_be_chosen_and_is_kept(demo: str) -> None:
    async with browsing(demo) as watched:
        await watched.open("#/sign-in")
        await watched.page.get_by_role("button", name="Switch between light and dark").click()
        await watched.page.reload()
        assert await watched.page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_a_lost_server_is_told_and_the_page_goes_on_when_it_is_back() -> None:
    with demo_server() as url:
        async with browsing(url) as watched:
            watched.allowed += ["ERR_INTERNET_DISCONNECTED", "WebSocket connection"]
            await watched.enter_demo()
            await watched.open("#/market")
            await watched.page.context.set_offline(True)
            await watched.page.get_by_text("Connection lost").wait_for()
            await watched.page.context.set_offline(False)
            await watched.page.get_by_text("Connection lost").wait_for(state="detached")
