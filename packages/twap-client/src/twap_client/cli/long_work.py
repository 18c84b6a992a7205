"""Show on the terminal that long work goes on: a bar on standard error, gone when it is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Advance = Callable[[], None]


_LONG_S = 1.0
"""What is done before shows no bar."""


@contextmanager
def progress(
    err: Console, words: str, *, total: int | None = None, is_shown: bool = True, after_s: float = _LONG_S
) -> Iterator[Advance]:
    """Around the work; gives what to call after each piece.

    Args:
        err: where it is drawn; where that is no terminal, it is not.
        words: what is done, such as ``canceling``.
        total: how many pieces there are; None: not known, and the bar moves to and fro.
        is_shown: False where the work's own output on the same terminal shows it.
        after_s: seconds that the work takes before it shows.
    """
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn())
    hidden = not is_shown or not err.is_terminal or err.is_dumb_terminal
    bar = Progress(*columns, TimeElapsedColumn(), console=err, transient=True, disable=hidden)
    task, begin = bar.add_task(words, total=total), bar.get_time()

    def advance() -> None:
        bar.advance(task)
        if not bar.live.is_started and bar.get_time() - begin >= after_s:
            bar.start()

    try:
        yield advance
    finally:
        if bar.live.is_started:  # to stop what was not begun writes an empty line
            bar.stop()
