"""Translate the execution report to its wire model. Decides nothing; exact numbers stay exact."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from twap_models import report as wire
from twap_server.domain.clock import to_datetime
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.adherence import BookAge, Drift
from twap_server.domain.tca.benchmarks import MarkOut
from twap_server.domain.tca.counterfactuals import Counterfactual
from twap_server.domain.tca.prices import Price, Prices
from twap_server.domain.tca.report import ExchangeFigures, Report, report
from twap_server.domain.tca.report_hash import report_hash
from twap_server.domain.tca.shortfall import Costs
from twap_server.reports.strategy import parameters


def execution_report(record: OrderRecord) -> wire.ExecutionReport:
    """An order's execution report."""
    return shown(record, report(record))


def shown(record: OrderRecord, made: Report) -> wire.ExecutionReport:
    """A report that was made of this record."""
    order, market = record.order, made.benchmarks
    terms, progress = order.terms, order.progress
    return wire.ExecutionReport(
        token_id=terms.token_id,
        exchange=terms.exchange,
        instrument=terms.instrument.symbol if terms.instrument else None,
        side=terms.side,
        strategy=terms.strategy.name,
        strategy_parameters=parameters(terms.strategy),
        status=progress.status,
        final=made.final,
        quantity=order.plan.quantity,
        filled_quantity=progress.filled,
        average_price=order.average_price,
        notional=progress.notional,
        fees=progress.fees,
        fills=len(record.fills),
        **_prices(made.prices),
        costs=_costs(made.costs),
        forecast_bps=terms.forecast_bps,
        trading_bps=None if made.trading is None else made.trading.bps,
        arrival_slippage_bps=market.arrival_slippage_bps,
        market_twap=market.market_twap,
        market_twap_coverage_percent=market.market_twap_coverage_percent,
        market_twap_slippage_bps=market.market_twap_slippage_bps,
        traded_volume=market.traded_volume,
        market_vwap=market.market_vwap,
        market_vwap_slippage_bps=market.market_vwap_slippage_bps,
        participation_percent=market.participation_percent,
        mark_outs=[_mark_out(one) for one in made.mark_outs],
        drift=_drift(made.drift),
        book_age_ms=_book_age(made.book_age),
        slices_by_outcome=dict(made.slices_by_outcome),
        slices_by_reason=dict(made.slices_by_reason),
        exchanges=_exchanges(made.exchanges),
        counterfactuals=_counterfactuals(made),
        notes=list(made.notes),
        sha256=report_hash(record),
    )


def _prices(prices: Prices) -> dict[str, Any]:
    named: dict[str, Price | None] = {
        "decision_price": prices.decision,
        "arrival_price": prices.arrival,
        "end_price": prices.end,
    }
    found: dict[str, Any] = {}
    for name, price in named.items():
        if price is not None:
            found |= {name: price.value, f"{name}_time": to_datetime(price.time)}
    return found


def _costs(costs: Costs) -> wire.Costs:
    return wire.Costs(
        implementation_shortfall=_cost(costs.implementation_shortfall, costs),
        delay=_cost(costs.delay, costs),
        timing=_cost(costs.timing, costs),
        spread=_cost(costs.spread, costs),
        latency=_cost(costs.latency, costs),
        depth=_cost(costs.depth, costs),
        opportunity=_cost(costs.opportunity, costs),
        fees=_cost(costs.fees, costs),
    )


def _cost(amount: Decimal | None, costs: Costs) -> wire.Cost:
    return wire.Cost(amount=amount, bps=costs.bps(amount))


def _mark_out(one: MarkOut) -> wire.MarkOut:
    return wire.MarkOut(
        seconds=one.seconds, fills=one.fills, quantity=one.quantity, amount=one.amount, bps=one.bps
    )


def _drift(drift: Drift | None) -> wire.Drift | None:
    if drift is None:
        return None
    return wire.Drift(
        slices=drift.slices,
        max=drift.max,
        max_percent=drift.max_percent,
        rms=drift.rms,
        rms_percent=drift.rms_percent,
    )


def _book_age(age: BookAge | None) -> wire.BookAge | None:
    return None if age is None else wire.BookAge(slices=age.slices, p50=age.p50, p95=age.p95)


def _exchanges(figures: Sequence[ExchangeFigures]) -> list[wire.ExchangeFigures]:
    return [
        wire.ExchangeFigures(
            exchange=one.exchange,
            fills=one.fills,
            quantity=one.quantity,
            notional=one.notional,
            average_price=one.average_price,
            fees=one.fees,
            share_percent=one.share_percent,
        )
        for one in figures
    ]


def _counterfactuals(made: Report) -> wire.Counterfactuals:
    others, costs = made.counterfactuals, made.costs
    return wire.Counterfactuals(
        sweep=_counterfactual(others.sweep, costs),
        naive_twap=_counterfactual(others.naive_twap, costs),
        vwap=_counterfactual(others.vwap, costs),
    )


def _counterfactual(one: Counterfactual | None, costs: Costs) -> wire.Counterfactual | None:
    if one is None:
        return None
    return wire.Counterfactual(
        filled_quantity=one.filled,
        notional=one.notional,
        average_price=one.average_price,
        fees=one.fees,
        implementation_shortfall=_cost(one.implementation_shortfall, costs),
        difference=_cost(one.difference, costs),
    )
