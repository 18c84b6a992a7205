"""Put a tournament's runs and what they came to side by side."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from twap_models.enums import OrderStatus
from twap_server.lab.figures import RunFigures
from twap_server.lab.grid import Run, baseline_of, length_of
from twap_server.lab.source import RecordingFacts
from twap_server.lab.spec import TournamentSpec


@dataclass(frozen=True, slots=True)
class Played:
    """A run and its figures."""

    run: Run
    figures: RunFigures
    report: str | None = None
    """Where its page is, below the folder of the tournament."""

    @property
    def is_rejected(self) -> bool:
        """Whether its order was not accepted."""
        return self.figures.status is OrderStatus.REJECTED

    @property
    def market(self) -> str:
        """``exchange:instrument``; as the order spells it where nothing was recognised."""
        return f"{self.run.order.exchange}:{self.figures.instrument or self.run.order.symbol}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All of a tournament."""

    spec: TournamentSpec
    sources: Sequence[RecordingFacts]
    engine: str
    played: Sequence[Played]
    """In the order of the runs."""
    longest: int
    """Duration of the longest order of all, in nanoseconds."""
    unread: Sequence[str]
    """How many messages of each recording could not be read, and why; empty where all were."""

    @property
    def baseline(self) -> str | None:
        """What differences are differences to."""
        return baseline_of(self.spec)

    def block(self, one: Played) -> Hashable:
        """The stretch of time that a run lies in; see ``statistics``.

        Whatever its recording: two exchanges at the same time, or two recordings of one, are the same market.
        """
        return one.run.case.start // self.longest


def outcome_of(
    spec: TournamentSpec,
    sources: Sequence[RecordingFacts],
    runs: Sequence[Run],
    done: Mapping[str, RunFigures],
    *,
    engine: str,
    reports: Mapping[str, str],
    unread: Sequence[str],
) -> Outcome:
    """Put them together.

    Args:
        spec: the tournament.
        sources: its recordings.
        runs: all of its runs.
        done: what each came to, by key.
        engine: that ran them.
        reports: where pages of runs are, by key.
        unread: what could not be read of each recording, in words.
    """
    return Outcome(
        spec=spec,
        sources=sources,
        engine=engine,
        played=[Played(run, done[run.key], reports.get(run.key)) for run in runs],
        longest=max(length_of(run.order) for run in runs),
        unread=unread,
    )
