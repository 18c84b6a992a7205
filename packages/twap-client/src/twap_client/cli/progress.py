"""Show on the terminal that long work goes on: a bar on standard error, gone when it is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Advance = Callable[[], None]


@contextmanager
def progress(
    err: Console, words: str, *, total: int | None = None, is_shown: bool = True
) -> Iterator[Advance]:
    """Around the work; gives what to call after each piece.

    Args:
        err: where it is drawn; where that is no terminal, it is not.
        words: what is done, such as ``canceling``.
        total: how many pieces there are; None: not known, and the bar moves to and fro.
        is_shown: False where the work's own output on the same terminal shows it.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    hidden = not is_shown or not err.is_terminal or err.is_dumb_terminal
    with Progress(*columns, console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task(words, total=total)
        yield lambda: bar.advance(task)
