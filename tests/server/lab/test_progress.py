"""lab/progress.py: a bar that fits into 80 columns on a terminal, lines elsewhere, and how long it takes."""

import io

import pytest
from rich.console import Console

from support.clocks import HandClock
from twap_server.domain.clock import SECOND
from twap_server.lab.progress import span, watched


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.2, "1 s"), (59, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (7_500, "2 h 5 min")],
)
def test_spans(seconds: float, words: str) -> None:
    assert span(int(seconds * SECOND)) == words


def test_lines_where_there_is_no_terminal() -> None:
    clock, lines = HandClock(), list[str]()
    with watched(100, clock=clock, tell=lines.append) as watcher:
        for _ in range(5):
            clock.after(6)
            watcher.advance(20)
    assert lines == [
        "40 of 100 runs, about 18 s left",
        "80 of 100 runs, about 6 s left",
    ]


def test_a_bar_of_eighty_columns_on_a_terminal() -> None:
    out, clock = io.StringIO(), HandClock()
    console = Console(file=out, force_terminal=True, width=80, color_system=None, legacy_windows=False)
    with watched(10_000, clock=clock, tell=pytest.fail, console=console) as watcher:
        clock.after(3_000)
        watcher.advance(5_000)
    shown = [line for line in out.getvalue().replace("\r", "\n").splitlines() if "5000/10000" in line]
    assert shown
    assert all("about 50 min left" in line for line in shown)
    assert max(map(len, shown)) <= 80 + len("\x1b[2K\x1b[?25l\x1b[?25h\x1b[1A")
