"""Translate domain values to wire models. Decides nothing; exact numbers stay exact."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from twap_models import market as wire_market
from twap_models import orders as wire_orders
from twap_models import stream as wire_stream
from twap_models.enums import AGGREGATE, BookStatus, RealismProfile, SliceOutcome, SliceReason
from twap_models.fields import shortened
from twap_models.stream import age_ms
from twap_server.api.http.exact_json import Plain, number
from twap_server.api.wire.present_realism import realism
from twap_server.books.consolidated import ConsolidatedLevel, ConsolidatedView
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos, to_datetime, to_iso
from twap_server.domain.market.events import BookState, Candle, PriceLevel, Trade
from twap_server.domain.market.events import BookStatus as Book
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.status import CollectedBook, ExchangeStatus
from twap_server.domain.orders.order import Fill, Order, OrderEvent, SliceResult
from twap_server.domain.orders.realism import Realism
from twap_server.domain.orders.record import OrderPage
from twap_server.domain.orders.strategies import StrategyChoice, Twap
from twap_server.feed.bus import CandleTopic
from twap_server.reports.strategy import parameters


def exchange(status: ExchangeStatus, books: Sequence[CollectedBook], now: Nanos) -> wire_market.Exchange:
    """One collected exchange, and how its books fare together."""
    rates = [one.changes_per_second for one in books if one.changes_per_second is not None]
    newest = max((one.last_change for one in books if one.last_change is not None), default=None)
    return wire_market.Exchange(
        name=status.name,
        status=str(status.state),
        reason=status.reason,
        since=to_datetime(status.since) if status.since else None,
        connections=status.connections,
        books=len(books),
        live_books=sum(one.status is Book.LIVE for one in books),
        messages_per_second=sum(rates, exact.ZERO) if rates else None,
        resyncs=sum(one.resyncs for one in books),
        age_ms=None if newest is None else max(0, now - newest) // MILLISECOND,
        integrity=status.integrity,
        intervals=list(status.intervals),
        instruments=status.instruments,
        market_status=status.market_status,
        retry_at=to_datetime(status.retry_at) if status.retry_at else None,
        lag_ms=_millis(status.lag),
        taker_fee=status.taker_fee,
    )


def instrument(listed: Instrument) -> wire_market.Instrument:
    """One listed instrument."""
    return wire_market.Instrument(
        symbol=listed.id.symbol,
        native=listed.native,
        base=listed.base,
        quote=listed.quote,
        kind=listed.kind,
        settle=listed.settle,
        contract_size=_figure(listed.multiplier),
        tick_size=_figure(listed.tick_size),
        price_digits=listed.price_digits,
        whole_prices=listed.whole_prices,
        lot_size=_figure(listed.lot_size),
        min_quantity=_figure(listed.min_quantity),
        min_notional=_figure(listed.min_notional),
        status=listed.status,
        reason=listed.fault,
    )


def candle(made: Candle) -> wire_market.Candle:
    """One candle."""
    return wire_market.Candle(**_candle_fields(made))


def kline_message(
    made: Candle, *, topic: CandleTopic, status: str = "live", reason: str = "", exact: bool = True
) -> wire_stream.KlineMessage:
    """A candle as the stream sends it."""
    return wire_stream.KlineMessage(
        exchange=topic.exchange,
        symbol=topic.asked,
        instrument=topic.symbol,
        interval=topic.interval.value,
        status=status,
        reason=reason,
        exact=exact,
        **_candle_fields(made),
    )


def book_message(
    view: BookState,
    *,
    exchange: str,
    symbol: str,
    asked: str,
    now: Nanos,
    depth: int,
    own: wire_market.OwnLevels | None = None,
) -> wire_stream.BookMessage:
    """One exchange's book as the stream sends it. Not validated, for its values are ours: books are many."""
    fields = _book_fields(view, symbol=symbol, asked=asked, now=now, seq=view.seq, depth=depth, own=own)
    return wire_stream.BookMessage.model_construct(exchange=exchange, **fields)


def own_levels(
    bids: Sequence[tuple[Decimal, Decimal]], asks: Sequence[tuple[Decimal, Decimal]]
) -> wire_market.OwnLevels:
    """What somebody took of a book's levels: (price, taken), best first."""
    pair = wire_market.Level._make
    return wire_market.OwnLevels(bids=[*map(pair, bids)], asks=[*map(pair, asks)])


def public_trade(trade: Trade, *, exchange: str, asked: str) -> wire_market.PublicTrade:
    """One trade of an exchange, as an answer shows it."""
    return wire_market.PublicTrade(
        exchange=exchange,
        symbol=asked,
        instrument=trade.symbol,
        time=to_datetime(trade.ts_exchange),
        price=trade.price,
        quantity=trade.quantity,
        side=trade.taker_side,
        id=trade.trade_id,
    )


def trade_body(
    trade: Trade, *, exchange: str, asked: str, aggregate: bool, left_out: int
) -> Mapping[str, object]:
    """What a ``TradeMessage`` is in JSON, without a model between: trades are many."""
    return {
        "exchange": exchange,
        "symbol": asked,
        "instrument": trade.symbol,
        "time": to_iso(trade.ts_exchange),
        "price": trade.price,
        "quantity": shortened(trade.quantity),
        "side": trade.taker_side.value,
        "id": trade.trade_id,
        "type": "trade",
        "aggregate": aggregate,
        "left_out": left_out,
    }


def merged_message(
    view: ConsolidatedView,
    *,
    symbol: str,
    asked: str,
    now: Nanos,
    seq: int,
    depth: int,
    own: wire_market.OwnLevels | None = None,
) -> wire_stream.BookMessage:
    """Several exchanges' books as one; names the exchanges behind each level, and those not in it.

    As ``book_message``, not validated.
    """
    sides = {"bids": view.bids, "asks": view.asks}
    return wire_stream.BookMessage.model_construct(
        exchange=AGGREGATE,
        sources={side: [list(level.sources) for level in levels] for side, levels in sides.items()},
        missing=sorted(view.missing),
        crossed=view.is_crossed,
        **_book_fields(view, symbol=symbol, asked=asked, now=now, seq=seq, depth=depth, own=own),
    )


def order(made: Order) -> wire_orders.TwapOrder:
    """An order as lists show it."""
    return wire_orders.TwapOrder(**_order_fields(made))


def order_body(made: Order) -> Plain:
    """What ``order`` is in JSON, without a model between: lists of orders are long."""
    terms, plan, progress = made.terms, made.plan, made.progress
    return {
        "token_id": terms.token_id,
        "symbol": terms.symbol,
        "side": terms.side.value,
        "quantity": number(plan.quantity),
        "limit_price": number(plan.limit),
        "status": progress.status.value,
        "creation_time": to_iso(terms.created),
        "instrument": terms.instrument.symbol if terms.instrument else None,
        "exchange": terms.exchange,
        "order_id": terms.order_id,
        "start_time": to_iso(terms.start),
        "end_time": to_iso(plan.end),
        "interval": number(Decimal(plan.interval // 1_000) / 1_000_000) if plan.interval else None,
        "slice_count": plan.slice_count,
        "revision": plan.revision,
        "filled_quantity": number(shortened(progress.filled)),
        "remaining_quantity": number(shortened(made.remaining)),
        "average_price": number(made.average_price),
        "fill_state": made.fill_state.value,
        "reason": progress.reason or None,
        "detail": progress.detail,
        "warnings": list(plan.warnings),
        "strategy": terms.strategy.name.value,
        "strategy_parameters": _parameters_body(terms.strategy),
        "realism": _realism_body(terms.realism),
    }


def _realism_body(made: Realism) -> Plain | str:
    if made.profile is not RealismProfile.OWN:
        return made.profile.value
    return {
        "latency": _seconds(made.latency),
        "latency_spread": _seconds(made.latency_spread),
        "impact": made.impact.value,
        "impact_half_life": None if made.half_life is None else _seconds(made.half_life),
        "fees": made.fees.value,
    }


def _seconds(nanos: int) -> object:
    return number(shortened(Decimal(nanos) / SECOND))


@lru_cache(maxsize=1_024)
def _parameters_body(choice: StrategyChoice) -> Plain | None:
    made = None if isinstance(choice, Twap) else parameters(choice)
    return None if made is None else {name: _plain(value) for name, value in made.to_wire().items()}


def _plain(value: Any) -> Any:
    """A parameter as JSON has it: numbers digit for digit."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return number(value) if isinstance(value, Decimal) else value


def order_detail(page: OrderPage) -> wire_orders.TwapOrderDetail:
    """An order with that page of its slices (those still to come included) and fills."""
    return wire_orders.TwapOrderDetail(
        **_order_fields(page.order),
        slices=[
            *map(slice_result, page.slices),
            *(pending_slice(page.order, index) for index in page.pending),
        ],
        fills=[fill(one) for one in page.fills],
    )


def slice_result(result: SliceResult) -> wire_orders.Slice:
    """One slice that has its outcome."""
    return wire_orders.Slice(
        index=result.index,
        due_time=to_datetime(result.due),
        outcome=result.outcome,
        reason=result.reason,
        wanted_quantity=result.wanted,
        filled_quantity=result.filled,
        average_price=exact.ratio(result.notional, result.filled) if result.filled else None,
    )


def slice_body(result: SliceResult) -> Plain:
    """What ``slice_result`` is in JSON, without a model between."""
    average = exact.ratio(result.notional, result.filled) if result.filled else None
    return {
        "index": result.index,
        "due_time": to_iso(result.due),
        "outcome": result.outcome.value,
        "reason": result.reason.value if result.reason else None,
        "wanted_quantity": number(shortened(result.wanted)),
        "filled_quantity": number(shortened(result.filled)),
        "average_price": number(average),
    }


def pending_body(made: Order, index: int) -> Plain:
    """What ``pending_slice`` is in JSON, without a model between."""
    is_open = made.status.is_open
    return {
        "index": index,
        "due_time": to_iso(made.schedule.due(index)),
        "outcome": SliceOutcome.PENDING.value if is_open else SliceOutcome.CANCELED.value,
        "reason": None if is_open else SliceReason.CANCELED.value,
        "wanted_quantity": number(shortened(made.schedule.planned(index))),
        "filled_quantity": number(exact.ZERO),
        "average_price": None,
    }


def fill_body(made: Fill) -> Plain:
    """What ``fill`` is in JSON, without a model between."""
    return {
        "fill_id": made.fill_id,
        "slice": made.slice_index,
        "time": to_iso(made.time),
        "exchange": made.exchange,
        "price": number(made.price),
        "quantity": number(made.quantity),
        "fee": number(shortened(made.fee)),
    }


def fill(made: Fill) -> wire_orders.Fill:
    """One execution."""
    return wire_orders.Fill(
        fill_id=made.fill_id,
        slice=made.slice_index,
        time=to_datetime(made.time),
        exchange=made.exchange,
        price=made.price,
        quantity=made.quantity,
        fee=made.fee,
    )


def order_event(event: OrderEvent) -> wire_stream.OrderEvent:
    """Something that happened to an order."""
    return wire_stream.OrderEvent(
        seq=event.seq,
        event=event.type,
        token_id=event.order.terms.token_id,
        time=to_datetime(event.time),
        order=order(event.order),
        slice=slice_result(event.slice) if event.slice else None,
        fills=[fill(one) for one in event.fills],
    )


def _book_fields(
    view: BookState | ConsolidatedView,
    *,
    symbol: str,
    asked: str,
    now: Nanos,
    seq: int,
    depth: int,
    own: wire_market.OwnLevels | None,
) -> dict[str, Any]:
    sent = to_datetime(now)
    received = to_datetime(view.ts_received) if view.ts_received else None
    return {
        "symbol": asked,
        "instrument": symbol,
        "bids": _levels(view.bids),
        "asks": _levels(view.asks),
        "ts_exchange": to_datetime(view.ts_exchange) if view.ts_exchange else None,
        "ts_received": received,
        "ts_sent": sent,
        "seq": seq,
        "status": BookStatus(view.status.value),
        "reason": view.reason,
        "age_ms": age_ms(received, sent),
        "lag_ms": _millis(view.lag),
        "depth": depth,
        "own": own,
    }


def _candle_fields(made: Candle) -> dict[str, Any]:
    return {
        "open_time": to_datetime(made.open_time),
        "open": made.open,
        "high": made.high,
        "low": made.low,
        "close": made.close,
        "volume": made.volume,
        "close_time": to_datetime(made.close_time),
        "closed": made.closed,
    }


def _millis(span: int | None) -> int | None:
    return None if span is None else span // MILLISECOND


def _figure(value: Decimal) -> Decimal:
    return value if exact.can_be_said(value) else exact.ZERO


def _levels(
    levels: Sequence[PriceLevel] | Sequence[ConsolidatedLevel],
) -> list[wire_market.Level]:
    return [wire_market.Level(level.price, level.quantity) for level in levels]


def _order_fields(made: Order) -> dict[str, Any]:
    terms, plan, progress = made.terms, made.plan, made.progress
    return {
        "token_id": terms.token_id,
        "symbol": terms.symbol,
        "side": terms.side,
        "quantity": plan.quantity,
        "limit_price": plan.limit,
        "status": progress.status,
        "creation_time": to_datetime(terms.created),
        "instrument": terms.instrument.symbol if terms.instrument else None,
        "exchange": terms.exchange,
        "order_id": terms.order_id,
        "start_time": to_datetime(terms.start),
        "end_time": to_datetime(plan.end),
        "interval": timedelta(microseconds=plan.interval // 1_000) if plan.interval else None,
        "slice_count": plan.slice_count,
        "filled_quantity": progress.filled,
        "remaining_quantity": made.remaining,
        "average_price": made.average_price,
        "fill_state": made.fill_state,
        "reason": progress.reason or None,
        "detail": progress.detail,
        "revision": plan.revision,
        "warnings": list(plan.warnings),
        "strategy": terms.strategy.name,
        "strategy_parameters": parameters(terms.strategy),
        "realism": realism(terms.realism),
    }


def pending_slice(made: Order, index: int) -> wire_orders.Slice:
    """A slice without a recorded outcome: still to come, or ended together with its order."""
    schedule, is_open = made.schedule, made.status.is_open
    return wire_orders.Slice(
        index=index,
        due_time=to_datetime(schedule.due(index)),
        outcome=SliceOutcome.PENDING if is_open else SliceOutcome.CANCELED,
        reason=None if is_open else SliceReason.CANCELED,
        wanted_quantity=schedule.planned(index),
        filled_quantity=exact.ZERO,
    )
