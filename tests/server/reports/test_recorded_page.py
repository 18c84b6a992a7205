"""The page of an order that was replayed: it says so, and one of a moment is drawn and compared fairly."""

from pathlib import Path
from typing import Any

import pytest

from support.browser import browsing
from support.tapes import market
from twap_server.bootstrap.replaying import replay
from twap_server.domain.clock import SECOND
from twap_server.domain.orders.record import OrderRecord
from twap_server.lab.orders import order_of
from twap_server.reports.page import report_page
from twap_server.reports.present import execution_report
from twap_server.reports.summary import summary
from twap_server.reports.svg import frame, time_ticks
from twap_server.settings import Settings


def _played(folder: Path, **more: Any) -> OrderRecord:
    given = {"exchange": "binance", "symbol": "BTCUSDT", "quantity": "2", "duration": "10s", "interval": 1}
    order = order_of({"token_id": "a", **given, **more}, named=str)
    return replay(market(folder / "made.jsonl.gz", seconds=20), [order], Settings()).records[0]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> OrderRecord:
    return _played(tmp_path_factory.mktemp("swept"), strategy="sweep")


def test_a_page_says_whether_its_books_were_recorded(swept: OrderRecord) -> None:
    page = report_page(swept, is_recorded=True)
    assert "against the recorded order book of binance BTC-USDT as a server had received it" in page
    assert "mid of the recorded books" in page and "live" not in page.partition("<main>")[2]
    assert "against the live order book of binance BTC-USDT as this server received it" in report_page(swept)


def test_what_was_done_early_is_not_compared_with_a_part_of_equal_slices(swept: OrderRecord) -> None:
    made = execution_report(swept)
    assert made.filled_quantity == 2 and made.counterfactuals.naive_twap is None
    assert made.counterfactuals.sweep is not None
    assert any(note.startswith("All was filled before the last slices were due") for note in made.notes)


def test_equal_slices_to_the_end_are_compared(tmp_path: Path) -> None:
    for more in ({}, {"strategy": "is", "half_life": "5s"}):
        found = execution_report(_played(tmp_path, **more)).counterfactuals.naive_twap
        assert found is not None and found.filled_quantity == 2


def test_an_order_of_one_moment_has_a_time_axis_and_says_what_it_cannot_be_held_against(
    swept: OrderRecord,
) -> None:
    begin = swept.order.terms.start
    axes = frame(swept.order.plan.quantity, swept.order.plan.quantity, begin, begin, 330)
    assert time_ticks(int(axes.x.low), int(axes.x.high))
    page = report_page(swept)
    assert page.count('class="tick x"') >= 4 and "– bps" not in page
    assert "The order took no time" in page
    assert "against the market's TWAP not known, its VWAP not known" in "\n".join(summary(swept))


def test_an_axis_of_a_second_or_more_is_not_widened() -> None:
    assert frame(*(2 * [SECOND]), 0, SECOND, 330).x.low == 0  # type: ignore[arg-type]


def test_figures_of_a_part_filled_order_name_what_they_are_of(tmp_path: Path) -> None:
    part = "\n".join(summary(_played(tmp_path, strategy="sweep", quantity="2000")))
    assert " bps of the whole order: delay" in part
    assert "came to" in part and "bps of what was filled" in part


@pytest.mark.browser
async def test_a_page_fits_a_phone(swept: OrderRecord, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(report_page(swept, is_recorded=True))
    async with browsing(f"file://{tmp_path}", width=390, height=844) as watched:
        await watched.page.goto(f"{watched.url}/page.html")
        assert await watched.page.evaluate("document.documentElement.scrollWidth") == 390
        wide = "one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== 'auto'"
        assert not await watched.page.evaluate(
            f"[...document.querySelectorAll('figure, .wide')].some({wide})"
        )
        lines = "[...document.querySelectorAll('table.told td')].map(one => one.clientHeight)"
        assert max(await watched.page.evaluate(lines)) < 60
