"""Describe a rule of an exchange's own TWAP: which figure of an order it limits, how, and its source.

In: nothing. Out: the types that ``go_live_table`` fills in and ``go_live`` checks. Durations and intervals
are in seconds, totals in dollars (any dollar coin counts as one dollar), randomize in percent.
"""

from dataclasses import dataclass
from decimal import Decimal

from msgspec import Struct

from twap_models.enums import GoLiveRule, Strategy

UNITS = {
    GoLiveRule.DURATION: "s",
    GoLiveRule.DURATION_STEP: "s",
    GoLiveRule.HORIZON: "s",
    GoLiveRule.INTERVAL: "s",
    GoLiveRule.INTERVAL_STEP: "s",
    GoLiveRule.DIVISIBILITY: "s",
    GoLiveRule.MINIMUM_TOTAL: "USD",
    GoLiveRule.MAXIMUM_TOTAL: "USD",
    GoLiveRule.RANDOMIZE: "%",
    GoLiveRule.PARTICIPATION: "%",
}
"""Unit of the figure that a rule bounds; base currency or none for the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSource:
    """A page and when it said so."""

    title: str
    url: str
    as_of: str
    """ISO date on which the page said so; ``after`` a date that its text proves; ``undated``."""


class Range(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The figure lies between two bounds. Between one and its doubtful twin the exchange's pages disagree."""

    low: Decimal | None = None
    high: Decimal | None = None
    doubtful_low: Decimal | None = None
    """Below this every page refuses; None: below ``low``."""
    doubtful_high: Decimal | None = None
    strict: bool = False
    """The bounds themselves are refused."""

    def words(self, unit: str) -> str:
        """The rule in words."""
        between = " and ".join(
            part
            for part in (
                _bound("above" if self.strict else "at least", self.low, unit, self.doubtful_low),
                _bound("below" if self.strict else "at most", self.high, unit, self.doubtful_high),
            )
            if part
        )
        return between


class MultipleOf(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The figure is a whole multiple of ``step``."""

    step: Decimal

    def words(self, unit: str) -> str:
        """The rule in words."""
        return f"a multiple of {self.step:f} {unit}"


class Divisible(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The duration is a whole multiple of the interval."""

    low: Decimal
    high: Decimal
    """Bounds of the duration, so that the nearest multiple lies within them."""
    doubtful: bool = False
    """The page counts ``duration / interval`` slices and does not say what becomes of a rest."""

    def words(self, unit: str) -> str:
        """The rule in words."""
        return "a multiple of the interval" + (" (a rest is not documented)" if self.doubtful else "")


class PairMinimum(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The quantity covers the pair's own smallest order in every slice, or once."""

    whole_order: bool = False
    """The quantity as a whole must reach the minimum, not each slice."""
    seconds_per_slice: Decimal | None = None
    """The slices that the exchange counts with; None: the order's own."""
    value_margin: Decimal = Decimal(1)
    """The least value of a slice is multiplied by this."""
    strict: bool = False
    """The minimum itself is refused."""

    def words(self, unit: str) -> str:
        """The rule in words."""
        del unit
        if self.whole_order:
            return "at least the pair's smallest order"
        every = "" if self.seconds_per_slice is None else f" of {self.seconds_per_slice:f} s"
        more = "above" if self.strict else "at least"
        margin = "" if self.value_margin == 1 else f"; its least value × {self.value_margin:f}"
        return f"{more} the pair's smallest order in every slice{every}{margin}"


class Required(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The order must give it."""

    def words(self, unit: str) -> str:
        """The rule in words."""
        del unit
        return "given (it is required)"


class Absent(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The exchange's pages name no such parameter: an order that gives it may or may not be possible."""

    why: str

    def words(self, unit: str) -> str:
        """The rule in words."""
        del unit
        return f"none given ({self.why})"


class OneOf(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The figure is one of a few."""

    values: tuple[Decimal, ...]
    doubtful: bool = False
    """The page was not seen whole: another figure may be possible."""

    def words(self, unit: str) -> str:
        """The rule in words."""
        return " or ".join(f"{value:f} {unit}".rstrip() for value in self.values)


class Free(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Nothing to break: the exchange decides it, whatever the order says."""

    note: str

    def words(self, unit: str) -> str:
        """The rule in words."""
        del unit
        return self.note


class Unknown(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The caller must give it, and no page says within which bounds: the answer is never ``accepted``."""

    why: str

    def words(self, unit: str) -> str:
        """The rule in words."""
        del unit
        return f"unknown: {self.why}"


Bound = Range | MultipleOf | Divisible | PairMinimum | Required | Absent | OneOf | Free | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: what an exchange's own order of a strategy demands of one figure of an order."""

    exchange: str
    market: str
    """``spot``, ``usd-m futures``, ``perpetual``, ``spot and perpetual``."""
    what: GoLiveRule
    bound: Bound
    source: RuleSource
    strategy: Strategy = Strategy.TWAP
    """Of the exchange's own order that would be used."""

    @property
    def unit(self) -> str:
        """Unit of the figure; empty where it has none."""
        return UNITS.get(self.what, "")

    @property
    def limit(self) -> str:
        """The rule in words."""
        return self.bound.words(self.unit)


def _bound(words: str, value: Decimal | None, unit: str, doubtful: Decimal | None) -> str:
    if value is None:
        return ""
    doubt = "" if doubtful is None else f" (another page: {doubtful:f})"
    return f"{words} {value:f} {unit}{doubt}"
