"""Define the result of a tournament, ``result.json``: what each strategy cost on the same market.

A cost is the implementation shortfall in basis points of the quantity at its decision price. Every order of a
tournament is sent when it starts, so that price is the mid on arrival. Positive is a cost. Figures are means
and ranks of the runs' own figures (4 decimals), rounded half-even to 4 decimals.
"""

from enum import StrEnum

from pydantic import Field

from twap_models.base import ResponseModel
from twap_models.enums import OrderStatus, Side
from twap_models.fields import Figure, UtcDatetime


class Verdict(StrEnum):
    """What a paired difference shows."""

    CHEAPER = "cheaper"
    DEARER = "dearer"
    NO_DIFFERENCE_SHOWN = "no difference shown"


class CostSpread(ResponseModel):
    """How the costs of runs are spread, in basis points."""

    runs: int = Field(description="With a known cost.")
    mean: Figure
    median: Figure
    p5: Figure = Field(description="Nearest rank: 5 % of the runs cost this or less.")
    p95: Figure
    deviation: Figure = Field(description="Standard deviation of the runs (n − 1): the risk.")
    low: Figure | None = Field(
        default=None, description="95 % bootstrap interval of the mean; null below 6 blocks."
    )
    high: Figure | None = None


class PairedDifference(ResponseModel):
    """Cost less the baseline's in the same case, in basis points; negative: cheaper than the baseline."""

    baseline: str
    pairs: int = Field(description="Cases in which both have a known cost.")
    blocks: int = Field(
        description="Stretches of time, each as long as the longest order, that the pairs lie in, whatever "
        "their recording: what is drawn in the bootstrap, for orders that overlap are not independent."
    )
    mean: Figure
    median: Figure
    low: Figure | None = Field(
        default=None, description="95 % bootstrap interval of the mean; null below 6 blocks."
    )
    high: Figure | None = None
    verdict: Verdict = Field(description="Cheaper or dearer only where the interval does not contain 0.")


class StrategyResult(ResponseModel):
    """One strategy in one group of cases."""

    strategy: str = Field(description="Its name in the tournament.")
    runs: int
    filled: int = Field(description="Runs that filled all.")
    rejected: int
    unpriced: int = Field(description="Neither rejected nor of a known cost: a price was not measured.")
    filled_percent: Figure | None = Field(
        default=None, description="Mean over the runs that were not rejected."
    )
    cost: CostSpread | None = None
    parts: dict[str, Figure] = Field(
        default={},
        description="Mean of each part of the shortfall in basis points, of the runs whose parts are known.",
    )
    difference: PairedDifference | None = Field(
        default=None, description="Null for the baseline, and where no pair is known."
    )


class ResultGroup(ResponseModel):
    """The strategies, over all cases or over those of one kind; null is any."""

    market: str | None = Field(default=None, description="``exchange:instrument``")
    side: Side | None = None
    quantity: Figure | None = Field(default=None, description="Base currency.")
    profile: str | None = None
    cases: int
    strategies: list[StrategyResult]


class TournamentRun(ResponseModel):
    """One order."""

    run: int = Field(description="From 1; its row in ``runs.csv``.")
    case: int = Field(description="Runs of one case differ in their strategy only.")
    strategy: str
    recording: str
    exchange: str
    instrument: str | None = None
    side: Side
    quantity: Figure
    profile: str = ""
    start: UtcDatetime
    end: UtcDatetime
    status: OrderStatus
    reason: str = ""
    filled_quantity: Figure
    average_price: Figure | None = None
    cost_bps: Figure | None = None
    report: str | None = Field(default=None, description="Its page, below the folder of the result.")


class PlayedRecording(ResponseModel):
    """A recording that orders ran over."""

    name: str
    sha256: str = Field(description="Of its files' digests.")
    first: UtcDatetime
    last: UtcDatetime
    runs: int
    unread: str = Field(
        default="",
        description="How many of its messages could not be read and were skipped, and why; empty: none.",
    )


class TournamentResult(ResponseModel):
    """All of a tournament, as ``result.json`` holds it."""

    format: int = 1
    name: str = ""
    engine: str = Field(description="Version of the server that ran it, and a digest of its code.")
    baseline: str | None = Field(default=None, description="What differences are differences to.")
    strategies: dict[str, dict[str, object]] = Field(description="By name, the fields that it sets.")
    order: dict[str, object] = Field(description="Fields of ``POST /orders`` that all have in common.")
    recordings: list[PlayedRecording]
    cases: int
    runs: int
    groups: list[ResultGroup] = Field(description="First over all cases, then by kind.")
    orders: list[TournamentRun] = Field(
        default=[], description="At most 1,000 runs, of evenly chosen cases; ``runs.csv`` has all."
    )
    draws: int = Field(description="Of the bootstrap.")
    notes: list[str] = []
