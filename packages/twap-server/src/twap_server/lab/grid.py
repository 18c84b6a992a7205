"""Make the runs of a tournament: every strategy in every case, as orders with absolute starts.

A case is a recording, a side, a size, a profile and a start; its runs differ in their strategy only, so their
costs are compared in pairs. Each run has a key, a digest of all that its result depends on.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any

from twap_models import exact_json
from twap_models.enums import Side
from twap_models.fields import Moment
from twap_models.orders import StrategyOrderRequest
from twap_models.strategies import PARAMETERS
from twap_server.api.wire.requests import resolve, to_request
from twap_server.domain.clock import Nanos, to_datetime, to_span, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.orders.rules import OrderLimits, broken_interval, broken_options
from twap_server.lab.orders import order_of
from twap_server.lab.source import RecordingFacts
from twap_server.lab.spec import VARIED, RegularStarts, TournamentSpec

_TOKEN_DIGITS = 12
_MOST_RUNS = 1_000_000
_OF_STRATEGIES = frozenset(name for names in PARAMETERS.values() for name in names)
_CHECKED = "+1s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the strategies are compared in."""

    number: int
    """From 1."""
    recording: int
    """Place among the recordings."""
    side: Side
    quantity: Decimal
    profile: str
    start: Nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One order."""

    number: int
    """From 1."""
    case: Case
    strategy: str
    order: StrategyOrderRequest
    end: Nanos
    key: str = ""
    """Digest of recording, order, settings and engine."""


def runs_of(
    spec: TournamentSpec,
    sources: Sequence[RecordingFacts],
    *,
    limits: OrderLimits,
    circumstances: Sequence[str],
) -> list[Run]:
    """All runs, those of a case side by side.

    Args:
        spec: the tournament.
        sources: its recordings.
        limits: bounds of one order.
        circumstances: what else a result over each recording depends on: engine and settings, as text.

    Raises:
        InvalidRequest: an order's field is wrong, a window lies outside of its recording, or two runs are the
            same; names the key.
    """
    _check_ranges(spec, limits)
    made: list[Run] = []
    for number, case in enumerate(_cases(spec, sources), 1):
        source = sources[case.recording]
        for strategy in spec.strategies:
            run = _run(spec, replace(case, number=number), strategy, source, number=len(made) + 1)
            made.append(replace(run, key=_key(run.order, source, circumstances[case.recording])))
        if len(made) > _MOST_RUNS:
            raise InvalidRequest(
                f"more than {_MOST_RUNS:,} runs: give fewer starts, sizes or profiles", field="starts"
            )
    _check_each_once(made)
    return made


def length_of(order: StrategyOrderRequest) -> int:
    """How long an order of a tournament takes, in nanoseconds."""
    assert order.duration is not None, "checked when it was made"
    return to_span(order.duration)


def baseline_of(spec: TournamentSpec) -> str | None:
    """Which strategy others are compared with: the one named, or the first that is a TWAP."""
    kind = spec.order.get("strategy", "twap")
    are_twap = (name for name, own in spec.strategies.items() if own.get("strategy", kind) == "twap")
    return spec.baseline or next(are_twap, None)


def _check_ranges(spec: TournamentSpec, limits: OrderLimits) -> None:
    """Find out before the work what would reject every order of a strategy.

    Raises:
        InvalidRequest: an option or parameter is outside its range; names it, the range and what was given.
    """
    for place, strategy in product(range(len(spec.recordings)), spec.strategies):
        request = to_request(_order(spec, place, strategy, _sample(spec)), now=Nanos(0))
        start = request.start or Nanos(0)
        for one in (*broken_options(request), *broken_interval(request, now=start, limits=limits)):
            key = _key_of(spec, place, strategy, one.field)
            raise InvalidRequest(f"{key}: {one.detail.removeprefix(f'{one.field} ')}", field=key)


def _check_each_once(runs: Sequence[Run]) -> None:
    """Refuse what would count the same run twice: an interval over copies would be too narrow.

    Raises:
        InvalidRequest: two profiles have the same figures, or two recordings the same runs; names both.
    """
    by_place: dict[int, dict[str, Case]] = {}
    for run in runs:
        known = by_place.setdefault(run.case.recording, {})
        before = known.setdefault(run.key, run.case).profile
        if before != run.case.profile:
            raise _twice(f"profiles.{run.case.profile}", f"figures as profiles.{before}")
    seen: dict[frozenset[str], int] = {}
    for place, keys in by_place.items():
        other = seen.setdefault(frozenset(keys), place)
        if other != place:
            raise _twice(f"recordings[{place}]", f"messages and orders as recordings[{other}]")


def _twice(key: str, same: str) -> InvalidRequest:
    return InvalidRequest(f"{key}: the same {same}: give each once", field=key)


def _cases(spec: TournamentSpec, sources: Sequence[RecordingFacts]) -> Iterator[Case]:
    for place, source in enumerate(sources):
        ways = product(_starts(spec, place, source), spec.sides, spec.sizes, spec.realisms)
        for start, side, size, profile in ways:
            yield Case(number=0, recording=place, side=side, quantity=size, profile=profile, start=start)


def _starts(spec: TournamentSpec, place: int, source: RecordingFacts) -> Iterator[Nanos]:
    """The starts over one recording, each within it.

    Raises:
        InvalidRequest: one lies outside, two are the same moment, or there is none.
    """
    longest = _longest(spec, place)
    latest = Nanos(source.last - longest)
    if isinstance(spec.starts, RegularStarts):
        yield from _regular(spec.starts, source, latest)
        return
    seen: dict[datetime, int] = {}
    for at, start in enumerate(spec.starts):
        moment = moment_in(start, source, f"starts[{at}]")
        if not source.first <= moment <= latest:
            raise InvalidRequest(
                f"starts[{at}]: {to_text(moment)}: expected a start from {to_text(source.first)} to "
                f"{to_text(latest)}, so that the longest order ends within {source.name}",
                field="starts",
            )
        before = seen.setdefault(to_datetime(moment), at)
        if before != at:
            raise _twice(f"starts[{at}]", f"moment as starts[{before}]")
        yield moment


def _regular(starts: RegularStarts, source: RecordingFacts, latest: Nanos) -> Iterator[Nanos]:
    moment, every = moment_in(starts.begin, source, "starts.from"), to_span(starts.every)
    if starts.until is not None:
        latest = min(latest, moment_in(starts.until, source, "starts.until"))
    if not source.first <= moment <= latest:
        raise InvalidRequest(
            f"starts: no order fits: {source.name} goes from {to_text(source.first)} to "
            f"{to_text(source.last)}, the first start would be {to_text(moment)} and the last one possible "
            f"is {to_text(latest)}: let orders be shorter (duration), or starts.from be earlier",
            field="starts",
        )
    while moment <= latest:
        yield moment
        moment = Nanos(moment + every)


def moment_in(moment: Moment, source: RecordingFacts, field: str) -> Nanos:
    """Make a time absolute: ``+30s`` counts from the recording's first message."""
    return resolve(moment, now=source.first, field=field)


def _longest(spec: TournamentSpec, place: int) -> int:
    """The longest duration of the strategies over a recording, in nanoseconds."""
    return max(length_of(_order(spec, place, strategy, _sample(spec))) for strategy in spec.strategies)


def _sample(spec: TournamentSpec) -> dict[str, Any]:
    realism = next(iter(spec.realisms.values()))
    fields = {"side": spec.sides[0], "quantity": spec.sizes[0], "start_time": _CHECKED, "realism": realism}
    return {name: value for name, value in fields.items() if value is not None}


def _run(spec: TournamentSpec, case: Case, strategy: str, source: RecordingFacts, *, number: int) -> Run:
    realism = spec.realisms[case.profile]
    fields: dict[str, Any] = {"side": case.side, "quantity": case.quantity}
    fields["start_time"] = to_datetime(case.start)
    if realism is not None:
        fields["realism"] = realism
    order = _order(spec, case.recording, strategy, fields)
    token = f"{strategy}-{_digest(order, source.sha256)[:_TOKEN_DIGITS]}"
    order = order.model_copy(update={"token_id": token})
    end = Nanos(case.start + length_of(order))
    return Run(number=number, case=case, strategy=strategy, order=order, end=end)


def _order(
    spec: TournamentSpec, place: int, strategy: str, varied: Mapping[str, Any]
) -> StrategyOrderRequest:
    """One order, its fields checked as those of ``POST /orders`` are.

    Raises:
        InvalidRequest: a field is wrong; names the table it stands in.
    """
    over, own = spec.recordings[place].order, spec.strategies[strategy]
    body = {"token_id": strategy, **spec.order, **over, **own, **varied}
    order = order_of(body, named=partial(_key_of, spec, place, strategy))
    if not order.duration:
        key = _key_of(spec, place, strategy, "duration")
        what = "is missing: give how long each order takes" if order.duration is None else "must be above 0"
        raise InvalidRequest(f"{key} {what}", field=key)
    return order


def _key_of(spec: TournamentSpec, place: int, strategy: str, field: str) -> str:
    """Where in the file a field of an order stands, or would."""
    over, own = spec.recordings[place].order, spec.strategies[strategy]
    tables = dict.fromkeys(_OF_STRATEGIES, f"strategies.{strategy}")
    tables |= dict.fromkeys(spec.order, "order") | dict.fromkeys(over, f"recordings[{place}].order")
    tables |= dict.fromkeys(own, f"strategies.{strategy}")
    name = field.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
    return VARIED.get(name) or f"{tables.get(name, 'order')}.{field}"


def _digest(order: StrategyOrderRequest, *more: str) -> str:
    """Of the order as it is after defaults, and of what else is given."""
    content = {"order": order.to_wire(), "more": more}
    return hashlib.sha256(exact_json.dumps(content)).hexdigest()


def _key(order: StrategyOrderRequest, source: RecordingFacts, circumstances: str) -> str:
    return _digest(order, source.sha256, circumstances)
