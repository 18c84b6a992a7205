"""What the page computes with: typed spans of time, files for spreadsheets, sums of costs, nearest values."""

from typing import Any

import pytest

from support.browser import browsing

pytestmark = pytest.mark.browser


async def run(demo: str, script: str, value: Any = None) -> Any:
    """Run a script in the page, where its modules can be imported."""
    async with browsing(demo) as watched:
        await watched.open("#/sign-in")
        return await watched.page.evaluate(script, value)


async def test_spans_are_read_as_people_type_them_and_exactly(demo: str) -> None:
    typed = {
        "90": "90", "15m": "900", "1h30m": "5400", "1 hour 30 min": "5400", "00:05:00": "300", "500ms": "0.5",
        "1.5h": "5400", "2d": "172800", "0.1s": "0.1", "5 minutes": "300", " 1H ": "3600",
        "soon": None, "": None, "5 parsecs": None, "1h30": None, "-5m": None, "5:00": None,
    }  # fmt: skip
    read = "async (all) => all.map((await import('/dashboard/core/durations.js')).seconds)"
    assert dict(zip(typed, await run(demo, read, list(typed)), strict=True)) == typed


async def test_spans_are_written_as_briefly_as_one_types_them(demo: str) -> None:
    wanted = {"300": "5m", "5400": "1h30m", "90": "90s", "0.25": "250ms", "86400": "1d", "90.5": "90.5s"}
    write = "async (all) => all.map((await import('/dashboard/core/durations.js')).typed)"
    assert dict(zip(wanted, await run(demo, write, list(wanted)), strict=True)) == wanted


async def test_a_file_keeps_numbers_and_runs_no_formula(demo: str) -> None:
    write = """async (rows) => {
        const {written, parsed} = await import('/dashboard/core/csv.js');
        const text = written(["a", "b"], rows);
        return [text, parsed(text)];
    }"""
    rows = [
        ["=1+1", "-0.5"],
        ["@x", 'say "no"'],
        ["-x", "two\nlines, and more"],
        ["+1", "1e5"],
        [None, "60000.10"],
    ]
    text, read = await run(demo, write, rows)
    assert text == (
        'a,b\r\n\'=1+1,-0.5\r\n\'@x,"say ""no"""\r\n\'-x,"two\nlines, and more"\r\n\'+1,1e5\r\n,60000.10\r\n'
    )
    assert [one["b"] for one in read] == ["-0.5", 'say "no"', "two\nlines, and more", "1e5", "60000.10"]


async def test_the_bars_of_a_waterfall_join_and_end_at_the_whole(demo: str) -> None:
    draw = """async (costs) => {
        const {bars, isWhole} = await import('/dashboard/views/order/sums.js');
        const all = bars(costs);
        return [all, isWhole(all, "0.300000000000000000001"), isWhole(all, "0.3")];
    }"""
    amounts = ("0.1", "-0.05", "0.25", "0", "0.000000000000000000001", "0", "0")
    names = ("delay", "timing", "spread", "latency", "depth", "opportunity", "fees")
    costs = {name: {"amount": amount, "bps": "0"} for name, amount in zip(names, amounts, strict=True)}
    all_bars, is_whole, is_other = await run(demo, draw, costs)
    assert [bar["to"] for bar in all_bars[:3]] == ["0.1", "0.05", "0.3"]
    assert [bar["from"] for bar in all_bars[1:]] == [bar["to"] for bar in all_bars[:-1]]
    assert (is_whole, is_other) == (True, False)


@pytest.mark.parametrize(
    ("field", "nearest", "words"),
    [
        ("quantity", "0.00009000", "0.00009"),
        ("interval", "36", "36s"),
        ("interval", "0.1", "100ms"),
        ("slices", "600", "600 slices"),
        ("randomize", "50", "50"),
        ("end_time", None, None),
    ],
)
async def test_the_nearest_value_is_what_the_server_names(
    demo: str, field: str, nearest: str | None, words: str | None
) -> None:
    find = """async ([field, nearest]) => {
        const {fixOf} = await import("/dashboard/views/ticket/nearest.js");
        return fixOf({field, nearest}, {start_time: ""})?.words ?? null;
    }"""
    assert await run(demo, find, [field, nearest]) == words


async def test_bins_hold_every_cost_without_a_hole(demo: str) -> None:
    sort = "async (all) => (await import('/dashboard/views/costs/bins.js')).bins(all)"
    values = [-3.2, 0, 0.1, 0.1, 7.9, 8]
    made = await run(demo, sort, values)
    assert sum(one["count"] for one in made) == len(values)
    assert [one["from"] for one in made[1:]] == pytest.approx([one["to"] for one in made[:-1]])
    assert made[0]["from"] <= -3.2
    assert made[-1]["to"] > 8
    assert await run(demo, sort, []) == []


async def test_one_cost_is_a_bar_among_empty_ones(demo: str) -> None:
    sort = "async (all) => (await import('/dashboard/views/costs/bins.js')).bins(all)"
    made = await run(demo, sort, [-0.53])
    assert made[-1]["to"] - made[0]["from"] == pytest.approx(1, abs=0.2)
    assert [one["count"] for one in made if one["from"] <= -0.53 < one["to"]] == [1]


async def test_a_price_keeps_the_zeros_of_its_tick(demo: str) -> None:
    write = "async ([text, tick]) => (await import('/dashboard/core/format.js')).groupedOnGrid(text, tick)"
    assert await run(demo, write, ["60007.6", "0.01"]) == "60\u2009007.60"
    assert await run(demo, write, ["60007.605", "0.01"]) == "60\u2009007.605"


@pytest.mark.parametrize(
    ("facts", "price", "step"),
    [
        ({"tick_size": "0.00000001", "price_digits": "5"}, "118940", "10"),
        ({"tick_size": "0.00000001", "price_digits": "5"}, "123.45", "0.01"),
        ({"tick_size": "0.00000001", "price_digits": "5"}, "0.00001234", "0.00000001"),
        ({"tick_size": "0.1", "price_digits": "5", "whole_prices": True}, "118940", "1"),
        ({"tick_size": "0.01"}, "118940", "0.01"),
        ({"tick_size": "0.01", "price_digits": "5"}, None, "0.01"),
        (None, "118940", "0"),
    ],
)
async def test_the_step_of_prices_grows_where_they_have_few_digits(
    demo: str, facts: Any, price: str | None, step: str
) -> None:
    find = "async ([facts, price]) => (await import('/dashboard/core/prices.js')).stepAt(facts, price)"
    assert await run(demo, find, [facts, price]) == step


async def test_names_beside_points_lie_on_no_other(demo: str) -> None:
    """As of the ways of a tournament that differ little."""
    place = "async (points) => (await import('/dashboard/parts/cost_risk.js')).labels(points)"
    points = [
        {"x": 270, "y": 150, "name": "twap"},
        {"x": 295, "y": 130, "name": "pov"},
        {"x": 296, "y": 144, "name": "pov-slow"},
        {"x": 180, "y": 140, "name": "front-loaded"},
    ]
    made = await run(demo, place, points)
    assert len(made) == len(points)
    boxes = []
    for one in made:
        width = 6.5 * len(one["names"][0])
        left = one["x"] - {"start": 0.0, "middle": width / 2, "end": width}[one["anchor"]]
        boxes.append((left, left + width, one["y"] + one["away"]))
    for at, (left, right, height) in enumerate(boxes):
        for other in boxes[at + 1 :]:
            assert right <= other[0] or other[1] <= left or abs(height - other[2]) >= 13, (at, boxes)
