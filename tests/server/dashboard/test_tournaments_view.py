"""Tournaments in the page: what was shown to differ and what not, cost against risk, runs and their files."""

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from support import tournament_folders as tournaments
from support.browser import browsing, demo_server, why_not
from support.page_orders import saved_text

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a demo server with a tournament."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("shelf")
    tournaments.write(folder)
    tournaments.write(folder, "broken", "{")
    settings = folder / "twap.toml"
    settings.write_text(f'[api]\ntournaments = "{folder}"\n')
    with demo_server("--config", str(settings)) as url:
        yield url


@pytest.mark.parametrize(("width", "is_dark"), [(1280, False), (360, True)])
async def test_a_tournament_fits_and_says_what_is_shown(shown: str, width: int, is_dark: bool) -> None:
    async with browsing(shown, width=width, height=844, is_dark=is_dark) as watched:
        await watched.enter_demo()
        await watched.open("#/tournaments")
        page = watched.page
        await expect(page.get_by_label("List of tournaments")).to_contain_text("cannot be read")
        assert await watched.overflowing() == []
        await page.get_by_role("link", name="Two ways").click()
        costs = page.get_by_label("Costs", exact=True)
        await expect(costs.get_by_role("row", name="sweep")).to_contain_text("dearer")
        await expect(costs.get_by_role("row", name="sweep")).to_contain_text("+1.50 to +5.06")
        await expect(page.get_by_role("img", name="Cost against risk")).to_be_visible()
        await page.get_by_label("Cases").select_option("1")
        await expect(costs.get_by_role("row", name="sweep")).to_contain_text("no difference shown")
        await page.wait_for_url("**group=1*")
        assert await watched.overflowing() == []
        assert await watched.inaccessible() == []


async def test_runs_are_filtered_and_their_files_saved(shown: str) -> None:
    async with browsing(shown) as watched:
        await watched.enter_demo()
        await watched.open("#/tournaments/two-ways")
        page = watched.page
        runs = page.get_by_role("region", name="Runs", exact=True)
        await expect(runs.get_by_role("heading")).to_have_text("Runs 40")
        async with page.expect_download() as saved:
            await runs.get_by_role("button", name="Save the report of run 1", exact=True).click()
        assert "Run 1" in await saved_text(await saved.value)
        await runs.get_by_label("Strategy").select_option("sweep")
        await expect(runs.get_by_role("heading")).to_have_text("Runs 20")
        async with page.expect_download() as saved:
            await page.get_by_role("button", name="Save the page").click()
        download = await saved.value
        assert download.suggested_filename == "two-ways.html"
        assert "Two ways" in await saved_text(download)


async def test_one_that_is_not_there_is_told(shown: str) -> None:
    async with browsing(shown) as watched:
        watched.allowed.append("404")
        await watched.enter_demo()
        await watched.open("#/tournaments/none")
        await expect(watched.page.get_by_role("alert")).to_contain_text("there is no result.json")
