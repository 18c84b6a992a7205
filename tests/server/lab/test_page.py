"""lab/page.py, lab/charts.py: a tournament's charts fit a phone and a wide screen."""

from pathlib import Path

import pytest

from support import tournament_folders
from support.browser import browsing, why_not
from twap_models.lab import StrategyResult, TournamentResult
from twap_server.lab.charts import PHONE, WIDE, Sheet, risk_chart
from twap_server.lab.page import page_of

LONG = "a-name-of-as-many-letters-as-one-may-hav"
SHOWN = "[...document.querySelectorAll('svg')].filter(one => one.getBoundingClientRect().width)"
OUTSIDE = f"""{SHOWN}.flatMap(chart => [...chart.querySelectorAll('text')].filter(one => {{
  const [own, whole] = [one.getBoundingClientRect(), chart.getBoundingClientRect()];
  return own.left < whole.left - 1 || own.right > whole.right + 1;
}}).map(one => one.textContent))"""
LEAST = f"""Math.min(...{SHOWN}.flatMap(chart => [...chart.querySelectorAll('text')].map(one =>
  parseFloat(getComputedStyle(one).fontSize) * chart.clientWidth / chart.viewBox.baseVal.width)))"""


def strategies(*found: tuple[str, float, float]) -> list[StrategyResult]:
    """Strategies by name, cost and risk."""
    made = tournament_folders.result()["groups"][0]["strategies"][1]
    return [
        StrategyResult.model_validate(
            made | {"strategy": name, "cost": made["cost"] | {"mean": mean, "deviation": risk}}
        )
        for name, mean, risk in found
    ]


@pytest.mark.browser
@pytest.mark.parametrize(("width", "kind"), [(360, "phone"), (390, "phone"), (640, "phone"), (1280, "broad")])
async def test_charts_fit_without_swiping_and_can_be_read(width: int, kind: str, tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    made = TournamentResult.model_validate(tournament_folders.result())
    group = made.groups[0].model_copy(
        update={"strategies": [*made.groups[0].strategies, *strategies((LONG, 0.5, 1.25))]}
    )
    text = page_of(made.model_copy(update={"groups": [group]}))
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    async with browsing(f"file://{tmp_path}", width=width, height=844) as watched:
        page = watched.page
        await page.goto(f"{watched.url}/page.html")
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        assert await page.evaluate(f"{SHOWN}.map(one => one.getAttribute('class'))") == [kind] * 4
        too_wide = "[...document.querySelectorAll('figure')].filter(one => one.scrollWidth > one.clientWidth)"
        assert await page.evaluate(f"{too_wide}.length") == 0
        assert await page.evaluate(OUTSIDE) == []
        assert await page.evaluate(LEAST) >= 11
        swipe = "getComputedStyle(document.querySelector('figure'), '::before').content"
        assert await page.evaluate(swipe) == "none"


@pytest.mark.parametrize("sheet", [WIDE, PHONE], ids=lambda sheet: sheet.kind)
def test_no_name_lies_on_another_strategys_dot(sheet: Sheet) -> None:
    chart = risk_chart(strategies(("one", 1, 0.5), ("two", 1, 0.55), ("far", 5, 2)), sheet)
    dots = [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in chart.iter("circle")]
    names = [one for one in chart.iter("text") if one.text in ("one", "two", "far")]
    assert len(dots) == len(names) == 3
    for name in names:
        left, height = float(name.attrib["x"]), float(name.attrib["y"]) - 4
        if name.attrib["text-anchor"] == "end":
            left -= sheet.letter * 3
        assert not any(left <= x <= left + sheet.letter * 3 and abs(y - height) < 6 for x, y in dots)
