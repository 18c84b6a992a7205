"""Show how far a tournament is: a bar with the time left on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from twap_server.domain.clock import SECOND, Clock

Tell: TypeAlias = Callable[[str], None]
_LINE_EVERY: Final = 10 * SECOND


class Watcher(Protocol):
    """Who is told that runs are done."""

    def advance(self, runs: int) -> None:
        """So many more."""
        ...


class _Estimate:
    """How long the rest takes, at the pace so far."""

    def __init__(self, total: int, clock: Clock) -> None:
        self.total, self.done = total, 0
        self._clock, self._begin = clock, clock.monotonic()

    @property
    def passed(self) -> int:
        return self._clock.monotonic() - self._begin

    @property
    def left(self) -> str:
        """In words; runs that were kept from before do not count."""
        if not self.done:
            return "time left not known yet"
        return f"about {span(self.passed * (self.total - self.done) // self.done)} left"


class _Lines:
    def __init__(self, total: int, clock: Clock, tell: Tell) -> None:
        self._estimate, self._tell, self._told = _Estimate(total, clock), tell, 0

    def advance(self, runs: int) -> None:
        estimate = self._estimate
        estimate.done += runs
        if estimate.passed - self._told >= _LINE_EVERY and estimate.done < estimate.total:
            self._told = estimate.passed
            self._tell(f"{estimate.done:,} of {estimate.total:,} runs, {estimate.left}")


class _Bar:
    def __init__(self, total: int, clock: Clock, bar: Progress) -> None:
        self._estimate, self._bar = _Estimate(total, clock), bar
        self._task = bar.add_task("runs", total=total, left=self._estimate.left)

    def advance(self, runs: int) -> None:
        self._estimate.done += runs
        self._bar.update(self._task, advance=runs, left=self._estimate.left)


@contextmanager
def watched(total: int, *, clock: Clock, tell: Tell, console: Console | None = None) -> Iterator[Watcher]:
    """Show how far it is until the block ends.

    Args:
        total: runs that are to be done.
        clock: for the time left.
        tell: takes lines, where there is no terminal.
        console: of standard error; None: not shown as a bar.
    """
    if console is None or not console.is_terminal:
        yield _Lines(total, clock, tell)
        return
    columns = (
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(TextColumn("{task.description}"), *columns, console=console, transient=True) as bar:
        yield _Bar(total, clock, bar)


def span(nanos: int) -> str:
    """A time for reading: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    seconds = -(-nanos // SECOND)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
