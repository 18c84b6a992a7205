"""What is kept of one run: the figures of its execution report, digit for digit."""

from decimal import Decimal
from typing import Any

import msgspec

from twap_models.enums import OrderStatus, SliceOutcome
from twap_models.report import Costs, ExecutionReport
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.record import Hole, OrderRecord
from twap_server.reports.present import execution_report

PARTS = tuple(name for name in Costs.model_fields if name != "implementation_shortfall")
"""Of the implementation shortfall, in the order of the report."""


class RunFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Amounts are quote currency, exact; what was not measured is None."""

    key: str
    status: OrderStatus
    reason: str = ""
    """Why it was rejected or ended, in words."""
    holes: tuple[Hole, ...] = ()
    """Where the recording has nothing; see ``OrderRecord``."""
    instrument: str | None = None
    ended: Nanos | None = None
    filled_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None
    notional: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    fills: int = 0
    slices_filled: int = 0
    slices_partial: int = 0
    slices_missed: int = 0
    decision_price: Decimal | None = None
    arrival_price: Decimal | None = None
    end_price: Decimal | None = None
    cost: Decimal | None = None
    """Implementation shortfall."""
    cost_bps: Decimal | None = None
    parts: dict[str, Decimal | None] = {}
    """Its parts, by name."""
    parts_bps: dict[str, Decimal | None] = {}
    arrival_slippage_bps: Decimal | None = None
    market_twap_slippage_bps: Decimal | None = None
    market_vwap_slippage_bps: Decimal | None = None
    participation_percent: Decimal | None = None
    forecast_bps: Decimal | None = None


def figures_of(key: str, record: OrderRecord) -> RunFigures:
    """What is kept of a run whose order came to this."""
    made = execution_report(record)
    progress = record.order.progress
    priced = made.status is not OrderStatus.REJECTED
    return RunFigures(
        key=key,
        status=made.status,
        reason=progress.detail or progress.reason,
        holes=record.holes,
        instrument=made.instrument,
        ended=progress.ended,
        cost=made.costs.implementation_shortfall.amount if priced else None,
        cost_bps=made.costs.implementation_shortfall.bps if priced else None,
        parts={name: getattr(made.costs, name).amount if priced else None for name in PARTS},
        parts_bps={name: getattr(made.costs, name).bps if priced else None for name in PARTS},
        slices_filled=made.slices_by_outcome.get(SliceOutcome.FILLED, 0),
        slices_partial=made.slices_by_outcome.get(SliceOutcome.PARTIAL, 0),
        slices_missed=made.slices_by_outcome.get(SliceOutcome.MISSED, 0),
        **_same(made),
    )


_SAME = (
    "filled_quantity", "average_price", "notional", "fees", "fills", "decision_price", "arrival_price",
    "end_price", "arrival_slippage_bps", "market_twap_slippage_bps", "market_vwap_slippage_bps",
    "participation_percent", "forecast_bps",
)  # fmt: skip


def _same(made: ExecutionReport) -> dict[str, Any]:
    """What a run's figures have under the same name as the report."""
    return {name: getattr(made, name) for name in _SAME}
