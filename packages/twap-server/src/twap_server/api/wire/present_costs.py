"""Translate closed orders and what they cost to the wire models. Decides nothing."""

from collections.abc import Mapping
from typing import Any

from twap_models.costs import CostForecast, CostSummary, OrderCost
from twap_server.domain.clock import to_datetime
from twap_server.domain.orders.order import Order, OrderProgress
from twap_server.domain.tca.forecast import trading_cost
from twap_server.domain.tca.headline import CostFigures
from twap_server.domain.tca.totals import CostTotals


def order_cost(order: Order, figures: CostFigures | None) -> OrderCost:
    """One closed order; without figures it is pending."""
    terms, progress = order.terms, order.progress
    return OrderCost(
        token_id=terms.token_id,
        order_id=terms.order_id,
        exchange=terms.exchange,
        symbol=terms.symbol,
        instrument=terms.instrument.symbol if terms.instrument else None,
        side=terms.side,
        status=progress.status,
        quantity=order.plan.quantity,
        filled_quantity=progress.filled,
        average_price=order.average_price,
        notional=progress.notional,
        fees=progress.fees,
        forecast_bps=terms.forecast_bps,
        started=to_datetime(terms.start),
        ended=to_datetime(progress.ended or order.plan.end),
        pending=figures is None,
        **({} if figures is None else _measured(figures, progress)),
    )


def _measured(figures: CostFigures, progress: OrderProgress) -> Mapping[str, Any]:
    trading = trading_cost(
        spread=figures.spread,
        depth=figures.depth,
        fees=progress.fees,
        filled=progress.filled,
        decision_price=figures.decision_price,
    )
    parts = ("shortfall", "delay", "timing", "spread", "latency", "depth", "opportunity")
    return {
        "decision_price": figures.decision_price,
        "arrival_price": figures.arrival_price,
        "shortfall": figures.shortfall,
        **{f"{part}_bps": figures.bps(getattr(figures, part)) for part in parts},
        "fees_bps": figures.bps(progress.fees),
        "trading_bps": None if trading is None else trading.bps,
        "slippage_bps": figures.slippage_bps,
        "twap_slippage_bps": figures.twap_slippage_bps,
        "vwap_slippage_bps": figures.vwap_slippage_bps,
        "participation_percent": figures.participation_percent,
    }


def cost_summary(totals: CostTotals) -> CostSummary:
    """What many orders come to."""
    return CostSummary(
        orders=totals.orders,
        filled_orders=totals.filled_orders,
        pending=totals.pending,
        unpriced=totals.unpriced,
        notional_by_quote=dict(sorted(totals.notional.items())),
        shortfall_by_quote=dict(sorted(totals.shortfall.items())),
        shortfall_bps_by_quote=dict(sorted(totals.bps_by_quote.items())),
        shortfall_bps=totals.mean_bps,
        median_bps=totals.median_bps,
        worst_bps=totals.worst_bps,
        forecast_by_quote={
            quote: CostForecast(orders=one.orders, forecast_bps=one.expected_bps, trading_bps=one.trading_bps)
            for quote, one in sorted(totals.forecasts.items())
        },
    )
