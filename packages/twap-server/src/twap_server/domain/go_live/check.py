"""Check whether an exchange's own TWAP, or POV, would take an order, and name the rules that it breaks.

In: plain figures of an order and what is known of the pair on each exchange. Out: per exchange a verdict and
every rule with its answer, the limit, the source, its date and the nearest figure that would do. Pure, exact.
``accepted`` means that every rule was checked and holds; a rule that cannot be checked makes it ``unknown``.
Whether the exchange lists the pair, the account's balance and the number of open orders are not looked at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from twap_models.enums import GoLiveVerdict, InstrumentKind
from twap_server.domain.go_live.answers import PairMinimums, Proposed, RuleAnswer, answer, plain
from twap_server.domain.go_live.rules import Rule
from twap_server.domain.go_live.table import RULES

_SPOT = "spot"
_COLLECTED_AS = {("binance", "usd-m futures"): "binance-usdm"}
"""Markets that are exchanges of their own here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """One rule, answered. ``ok`` is None where it cannot be said."""

    rule: Rule
    ok: bool | None
    yours: str
    nearest: Decimal | None
    """The nearest figure that this rule takes; None where it holds or none is known."""
    nearest_of: str
    """What to set to it: ``duration`` or ``interval`` (s), ``quantity`` (base), ``end`` (s from now),
    ``randomize`` (%); empty without one."""
    message: str
    """Empty where the rule holds and there is nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLive:
    """One exchange's answer."""

    exchange: str
    market: str
    verdict: GoLiveVerdict
    findings: tuple[RuleFinding, ...]


def check(
    order: Proposed,
    pairs: Mapping[str, PairMinimums | None],
    kind: InstrumentKind = InstrumentKind.SPOT,
) -> tuple[GoLive, ...]:
    """Check every exchange that has an order of this strategy; a perpetual has no use for spot's rules.

    Args:
        order: figures of the order.
        pairs: the pair's smallest order of that kind on each exchange where it is known.
        kind: what the order trades.
    """
    found = []
    of_strategy = [rule for rule in RULES if rule.strategy is order.strategy]
    for (exchange, market), rules in groupby(of_strategy, key=lambda rule: (rule.exchange, rule.market)):
        if kind is InstrumentKind.PERPETUAL and market == _SPOT:
            continue
        is_its_market = (market == _SPOT) is (kind is InstrumentKind.SPOT)
        pair = pairs.get(_COLLECTED_AS.get((exchange, market), exchange)) if is_its_market else None
        findings = tuple(_find(rule, order, pair) for rule in rules)
        found.append(GoLive(exchange=exchange, market=market, verdict=_verdict(findings), findings=findings))
    return tuple(found)


def _verdict(findings: tuple[RuleFinding, ...]) -> GoLiveVerdict:
    answers = [finding.ok for finding in findings]
    if False in answers:
        return GoLiveVerdict.REFUSED
    return GoLiveVerdict.UNKNOWN if None in answers else GoLiveVerdict.ACCEPTED


def _find(rule: Rule, order: Proposed, pair: PairMinimums | None) -> RuleFinding:
    found = answer(rule, order, pair)
    return RuleFinding(
        rule=rule,
        ok=found.ok,
        yours=found.yours,
        nearest=found.nearest,
        nearest_of=found.nearest_of if found.nearest is not None else "",
        message=" ".join(_message(rule, found)),
    )


def _message(rule: Rule, found: RuleAnswer) -> Iterator[str]:
    name = rule.what.value.replace("_", " ")
    if found.ok is False:
        yield f"{name}: {found.yours}, must be {rule.limit}"
    elif found.note:
        yield f"{name}: {found.yours}"
    if found.note:
        yield f"({found.note})"
    if found.nearest is not None:
        unit = {"quantity": "", "randomize": " %"}.get(found.nearest_of, " s")
        yield f"→ {found.nearest_of} {plain(found.nearest)}{unit}"
