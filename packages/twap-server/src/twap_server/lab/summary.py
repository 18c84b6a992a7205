"""Summarise a tournament: its typed result, over all cases and by kind of case."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from twap_models.enums import OrderStatus, Side
from twap_models.fields import format_time
from twap_models.lab import (
    PlayedRecording,
    ResultGroup,
    StrategyResult,
    TournamentResult,
    TournamentRun,
    Verdict,
)
from twap_server.domain import exact
from twap_server.domain.clock import to_datetime
from twap_server.domain.orders.record import Hole
from twap_server.domain.resampling import DRAWS, FEWEST
from twap_server.lab.figures import PARTS
from twap_server.lab.outcome import Outcome, Played
from twap_server.lab.statistics import difference, mean, means_of_parts, spread

MOST_SHOWN: Final = 1_000
"""Runs in ``result.json`` and on the page; the table of runs has all."""


class _Kind(NamedTuple):
    market: str | None = None
    side: Side | None = None
    quantity: Decimal | None = None
    profile: str | None = None


def result_of(outcome: Outcome) -> TournamentResult:
    """Summarise it."""
    spec, played = outcome.spec, outcome.played
    groups = list(_groups(outcome))
    return TournamentResult(
        name=spec.name,
        engine=outcome.engine,
        baseline=outcome.baseline,
        strategies={name: _plain(own) for name, own in spec.strategies.items()},
        order=_plain(spec.order),
        recordings=_recordings(outcome),
        cases=len({one.run.case.number for one in played}),
        runs=len(played),
        groups=groups,
        orders=[order_of(one, outcome) for one in shown(played, len(spec.strategies))],
        draws=DRAWS,
        notes=list(_notes(outcome, groups[0])),
    )


def shown(played: Sequence[Played], strategies: int) -> Sequence[Played]:
    """At most ``MOST_SHOWN`` runs, whole cases, evenly chosen."""
    step = -(-len(played) // MOST_SHOWN)
    return [one for at, one in enumerate(played) if at // strategies % step == 0][:MOST_SHOWN]


def order_of(one: Played, outcome: Outcome) -> TournamentRun:
    """One run as the result tells it."""
    run, figures = one.run, one.figures
    return TournamentRun(
        run=run.number,
        case=run.case.number,
        strategy=run.strategy,
        recording=outcome.sources[run.case.recording].name,
        exchange=run.order.exchange,
        instrument=figures.instrument,
        side=run.case.side,
        quantity=run.case.quantity,
        profile=run.case.profile,
        start=to_datetime(run.case.start),
        end=to_datetime(run.end),
        status=figures.status,
        reason=figures.reason,
        filled_quantity=figures.filled_quantity,
        average_price=figures.average_price,
        cost_bps=figures.cost_bps,
        report=one.report,
    )


def _groups(outcome: Outcome) -> Iterator[ResultGroup]:
    """All cases, then those of each market, side, size and profile, as far as there are several."""
    yield _group(outcome, _Kind(), outcome.played)
    kinds: dict[_Kind, list[Played]] = defaultdict(list)
    for one in outcome.played:
        case = one.run.case
        kinds[_Kind(one.market, case.side, case.quantity, case.profile or None)].append(one)
    if len(kinds) > 1:
        yield from (_group(outcome, kind, some) for kind, some in kinds.items())


def _group(outcome: Outcome, kind: _Kind, played: Sequence[Played]) -> ResultGroup:
    by_strategy: dict[str, list[Played]] = {name: [] for name in outcome.spec.strategies}
    for one in played:
        by_strategy[one.run.strategy].append(one)
    base = by_strategy.get(outcome.baseline or "", [])
    return ResultGroup(
        **kind._asdict(),
        cases=len({one.run.case.number for one in played}),
        strategies=[_strategy(outcome, name, runs, base) for name, runs in by_strategy.items()],
    )


def _strategy(outcome: Outcome, name: str, runs: Sequence[Played], base: Sequence[Played]) -> StrategyResult:
    priced = [one for one in runs if one.figures.cost_bps is not None]
    rejected = sum(one.is_rejected for one in runs)
    costs = [one.figures.cost_bps for one in priced if one.figures.cost_bps is not None]
    return StrategyResult(
        strategy=name,
        runs=len(runs),
        filled=sum(one.figures.status is OrderStatus.FILLED for one in runs),
        rejected=rejected,
        unpriced=len(runs) - len(priced) - rejected,
        filled_percent=_filled_percent(runs),
        cost=spread(costs, [outcome.block(one) for one in priced], seed=f"cost {name}"),
        parts=_parts(priced),
        difference=_difference(outcome, name, runs, base),
    )


def _difference(outcome: Outcome, name: str, runs: Sequence[Played], base: Sequence[Played]) -> Any:
    baseline = outcome.baseline
    if baseline is None or name == baseline:
        return None
    other = {one.run.case.number: one.figures.cost_bps for one in base}
    found: list[Decimal] = []
    blocks = []
    for one in runs:
        cost, against = one.figures.cost_bps, other.get(one.run.case.number)
        if cost is not None and against is not None:
            found.append(exact.subtract(cost, against))
            blocks.append(outcome.block(one))
    return difference(found, blocks, baseline=baseline, seed=f"{name} less {baseline}")


def _parts(priced: Sequence[Played]) -> dict[str, Decimal]:
    """Mean of each part over the runs in which all are known."""
    whole = [one for one in priced if None not in _known(one)]
    if not whole:
        return {}
    columns = zip(*(_known(one) for one in whole), strict=True)
    costs = [one.figures.cost_bps for one in whole if one.figures.cost_bps is not None]
    parts = means_of_parts([[one for one in column if one is not None] for column in columns], whole=costs)
    return dict(zip(PARTS, parts, strict=True))


def _known(one: Played) -> list[Decimal | None]:
    return [one.figures.parts_bps.get(name) for name in PARTS]


def _filled_percent(runs: Sequence[Played]) -> Decimal | None:
    taken = [one for one in runs if not one.is_rejected]
    if not taken:
        return None
    return mean([exact.percent(one.figures.filled_quantity, one.run.case.quantity) for one in taken])


def _recordings(outcome: Outcome) -> list[PlayedRecording]:
    counts = defaultdict[int, int](int)
    for one in outcome.played:
        counts[one.run.case.recording] += 1
    return [
        PlayedRecording(
            name=source.name,
            sha256=source.sha256,
            first=to_datetime(source.first),
            last=to_datetime(source.last),
            runs=counts[place],
            unread=outcome.unread[place],
        )
        for place, source in enumerate(outcome.sources)
    ]


def _notes(outcome: Outcome, whole: ResultGroup) -> Iterator[str]:
    if outcome.baseline is None:
        yield "No strategy is a TWAP and no baseline is named, so there are no paired differences."
    yield from _about_messages(outcome)
    yield from _about_holes(outcome)
    for one in whole.strategies:
        yield from _of_strategy(one, _why_rejected(outcome, one.strategy))
    few = [one.difference for one in whole.strategies if one.difference and one.difference.low is None]
    if few:
        yield (
            f"An interval needs {FEWEST} stretches of time as long as the longest order, and the pairs lie "
            f"in {few[0].blocks}: give a longer recording or shorter orders. Until then nothing is "
            "called cheaper or dearer."
        )
    open_ = sum(one.figures.status.is_open for one in outcome.played)
    if open_:
        yield f"{open_} orders were still open when their recording ended: their costs are so far."
    if len(outcome.played) > MOST_SHOWN:
        yield f"{MOST_SHOWN:,} of {len(outcome.played):,} runs are listed; runs.csv has all."


def _about_messages(outcome: Outcome) -> Iterator[str]:
    """Which ones nobody could read, and which ones recordings lost while they were made."""
    for source, unread in zip(outcome.sources, outcome.unread, strict=True):
        if unread:
            yield f"Skipped unreadable messages of the recording {source.name}: {unread}."
    for source in outcome.sources:
        yield from (f"{line}." for line in source.missing)


def _about_holes(outcome: Outcome) -> Iterator[str]:
    """Where recordings have nothing, as far as orders met it, and what that cost."""
    met: dict[tuple[int, Hole], set[int]] = defaultdict(set)
    for one in outcome.played:
        for hole in one.figures.holes:
            met[one.run.case.recording, Hole(*hole)].add(one.run.case.number)
    unpriced = {one.run.case.number for one in outcome.played if one.figures.cost_bps is None}
    for (place, hole), cases in sorted(met.items()):
        yield (
            f"The recording {outcome.sources[place].name} has nothing {hole.words}: "
            f"{_lie(len(cases))} in it, or after it while no book was known; "
            f"without a known cost: {len(cases & unpriced):,}."
        )


def _lie(cases: int) -> str:
    return "1 case lies" if cases == 1 else f"{cases:,} cases lie"


def _why_rejected(outcome: Outcome, strategy: str) -> Counter[str]:
    """How many orders of a strategy were rejected for which reason."""
    of_it = (one for one in outcome.played if one.run.strategy == strategy and one.is_rejected)
    return Counter(one.figures.reason for one in of_it)


def _of_strategy(one: StrategyResult, why: Counter[str]) -> Iterator[str]:
    if one.rejected:
        (reason, count), *_ = why.most_common(1)
        share = "" if len(why) == 1 else f" for {len(why)} reasons, {count:,} of them for this one"
        yield f"{one.strategy}: {one.rejected:,} of {one.runs:,} orders were rejected{share}: {reason}"
    if one.unpriced:
        yield f"{one.strategy}: {one.unpriced} of {one.runs} orders have no cost: a price was not measured."
    if one.filled + one.rejected < one.runs:
        rest = one.runs - one.filled - one.rejected
        yield (
            f"{one.strategy}: {rest} of {one.runs} orders did not fill all; the rest is valued at the last "
            "mid (opportunity)."
        )


def _plain(value: Any) -> Any:
    """As JSON can say it: times and whatever a TOML file may hold become text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | int | Decimal | str):
        return value
    return format_time(value) if hasattr(value, "tzinfo") and value.tzinfo else str(value)


__all__ = ["MOST_SHOWN", "Verdict", "order_of", "result_of", "shown"]
