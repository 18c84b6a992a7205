"""What a crash test counts, and how it says so."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from crash.facts import Facts
from crash.journal import Breach, Journal
from crash.world import Life

SHOWN = 30
"""So many breaches are printed; one fault can make thousands."""
LONGEST = 600
"""Characters of one."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """Counted along the way; ``lines`` is the summary."""

    database: str
    kills: Counter[str] = field(default_factory=Counter)
    """By moment."""
    back: list[float] = field(default_factory=list)
    """Seconds from each start of the process to ready."""
    cpu: list[float] = field(default_factory=list)
    """Seconds of processor time used by then."""
    recovered: list[float] = field(default_factory=list)
    """Seconds from each return of the database to the next order accepted."""
    submissions: int = 0
    acknowledged: int = 0
    repeats: int = 0
    events_seen: int = 0
    stored: Counter[str] = field(default_factory=Counter)
    slices: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    breaches: list[Breach] = field(default_factory=list)

    def take(self, journal: Journal, facts: Facts, lives: Sequence[Life]) -> None:
        """Fill in what is known at the end."""
        self.back = [life.seconds_to_ready for life in lives if life.seconds_to_ready is not None]
        self.cpu = [life.cpu_s for life in lives if life.cpu_s is not None]
        self.submissions, self.repeats = len(journal.batches), journal.repeats
        self.acknowledged = len(journal.promises)
        self.events_seen = sum(map(len, journal.events.values()))
        records = facts.records.values()
        self.stored = Counter(
            orders=len(records),
            slices=sum(len(record.slices) for record in records),
            fills=sum(len(record.fills) for record in records),
            events=sum(map(len, facts.events.values())),
        )
        self.slices = Counter(piece["reason"] or "filled" for one in records for piece in one.slices)

    def lines(self) -> Iterator[str]:
        """The summary, and the breaches if there are any."""
        yield f"database           {self.database}"
        yield f"kills              {self.kills.total()}: {_listed(self.kills)}"
        yield f"start to ready     {_times(self.back)}"
        yield f"  processor time   {_times(self.cpu)}"
        if self.recovered:
            yield f"database to order  {_times(self.recovered)}"
        yield f"submissions        {self.submissions}, {self.repeats} of them repeats"
        yield f"acknowledged       {self.acknowledged} orders"
        yield f"stored             {_listed(self.stored)}; events seen live {self.events_seen}"
        yield f"slices             {_listed(self.slices)}"
        yield f"violations         {len(self.breaches)} in {self.checks} checks"
        yield from (f"  {breach}"[:LONGEST] for breach in self.breaches[:SHOWN])


def _times(seconds: Sequence[float]) -> str:
    if not seconds:
        return "never"
    return f"median {median(seconds):.2f} s, longest {max(seconds):.2f} s, of {len(seconds)}"


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.most_common())
