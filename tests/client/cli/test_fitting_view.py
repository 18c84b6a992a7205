"""Panels: side by side where there is room, and never higher than the screen."""

from io import StringIO

import pytest
from rich.console import Console
from rich.live import Live
from rich.text import Text

from twap_client.cli import render
from twap_client.cli.fitting_view import SIDE_BY_SIDE, Beside, TallestThatFits
from twap_client.testing import book, order
from twap_client.testing.examples import NOON

PART = {"outcome": "partial", "reason": "limit_not_met", "wanted_quantity": "0.05", "filled_quantity": "0.01"}
FILL = {"slice": 1, "time": NOON, "exchange": "binance", "price": "61837.64", "quantity": "0.01", "fee": 0}


def lines(picture: object, width: int, height: int | None) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None)
    options = console.options.update(width=width, height=height) if height else console.options
    drawn = console.render_lines(picture, options, pad=False)  # type: ignore[arg-type]
    return ["".join(segment.text for segment in line) for line in drawn]


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (100, 30), (109, 24), (110, 24), (120, 24), (200, 50)])
def test_the_live_view_fits_the_screen_and_cuts_no_price(size: tuple[int, int]) -> None:
    slices = [PART | {"index": index, "due_time": NOON} for index in range(6)]
    fills = [FILL | {"fill_id": str(index)} for index in range(5)]
    followed = order("o-1", status="Working", slices=slices, fills=fills, limit_price="62000.125")
    best = [["61837.63", "123.45678"], *[[f"6183{index}.5", "1"] for index in range(7, 0, -1)]]
    shown = lines(render.watch_screen(book(bids=best), followed, NOON, "reconnecting"), *size)
    assert len(shown) <= size[1] and max(map(len, shown)) <= size[0]
    whole = "\n".join(shown)
    for part in ("61837.63", "61837.64", "123.45678", "62000.125", "● live", "● Working", "reconnecting"):
        assert part in whole, f"{part} is not in\n{whole}"
    beside = any("● live" in line and "● Working" in line for line in shown)
    assert beside == (size[0] >= SIDE_BY_SIDE)


def test_a_view_on_the_whole_screen_knows_its_height() -> None:
    console = Console(width=80, height=24, force_terminal=True, color_system=None, file=StringIO())
    slices = [PART | {"index": index, "due_time": NOON} for index in range(6)]
    picture = render.watch_screen(book(), order("o-1", status="Working", slices=slices), NOON)
    with Live(picture, console=console, screen=True, auto_refresh=False):
        shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert shown.count("╰") == 2, "the lower ends of both panels"


def test_several_books_fit_the_screen() -> None:
    deep = book(bids=[[f"{100 - index}", "1"] for index in range(10)])
    assert len(lines(render.books_screen([deep, deep], NOON), 80, 24)) <= 24
    assert len(lines(render.books_screen([deep], NOON), 80, None)) == 14


def test_the_first_that_fits_else_the_last() -> None:
    choice = TallestThatFits(lambda: Text("a\nb\nc"), lambda: Text("a\nb"))
    assert [len(lines(choice, 80, height)) for height in (None, 3, 2, 1)] == [3, 3, 2, 1]


def test_side_by_side_or_the_second_first() -> None:
    both = Beside(Text("one"), Text("two"))
    assert lines(both, SIDE_BY_SIDE - 1, None) == ["two", "one"]
    assert [line.split() for line in lines(both, SIDE_BY_SIDE, None)] == [["one", "two"]]
