"""cli/long_work.py: a bar where somebody sees it, and nothing anywhere else."""

import io

import pytest
from rich.console import Console

from twap_client.cli.long_work import progress


def drawn(*, terminal: bool, total: int | None, is_shown: bool = True, after_s: float = 0) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80, color_system=None, _environ={})
    with progress(console, "canceling", total=total, is_shown=is_shown, after_s=after_s) as advance:
        for _ in range(3):
            advance()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text)


@pytest.mark.parametrize(("total", "counted"), [(3, "3/3"), (None, "3/?")])
def test_a_terminal_shows_how_far_it_is(total: int | None, counted: str) -> None:
    text = drawn(terminal=True, total=total)
    assert "canceling" in text and counted in text


def test_elsewhere_nothing_is_written() -> None:
    assert drawn(terminal=False, total=3) == ""
    assert drawn(terminal=True, total=3, is_shown=False) == ""


def test_what_is_done_soon_shows_nothing() -> None:
    assert drawn(terminal=True, total=3, after_s=3_600).strip() == ""
