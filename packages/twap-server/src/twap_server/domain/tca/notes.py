"""Tell readers of an execution report what is missing in it, and why."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from twap_models.enums import ImpactModel, InstrumentKind, OrderStatus, Side
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND, seconds_text, to_text
from twap_server.domain.market.symbols import NOT_SIMULATED, kind_of
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.realism import SHIFT_HALF_LIFE
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.benchmarks import Benchmarks
from twap_server.domain.tca.counterfactuals import sweep_of, was_done_early
from twap_server.domain.tca.prices import Prices, end_of

_SOON = SECOND
_LONG = 10 * SECOND
_NEARLY_ALL = Decimal(99)
_TOO_MUCH = Decimal(25)
"""Percent of the traded volume: of more, a fill without a reaction of the market is not believable."""
_WHOLE = Decimal(1)


def notes(record: OrderRecord, prices: Prices, measured: Benchmarks) -> tuple[str, ...]:
    """One sentence for each thing that is missing, late, or otherwise not what a reader would expect."""
    holes = tuple(_about_holes(record))
    if record.order.status is OrderStatus.REJECTED:
        why = record.order.progress.detail or record.order.progress.reason
        return (f"The order was rejected: {why or 'nothing was executed'}.".replace("..", "."), *holes)
    if record.order.status.is_open and not record.samples and not record.slices:
        return ("The order has not begun: nothing was measured yet.", *holes)
    found = (
        *holes,
        *_about_contract(record.order),
        *_about_nothing(record),
        *_about_size(measured),
        *_about_progress(record.order),
        *_about_decision(record.order, prices),
        *_about_arrival(record.order, prices),
        *_about_end(record.order, prices),
        *_about_realism(record.order),
        *_about_slices(record),
        *_about_market(record, measured),
        *_about_sweep(record),
    )
    return tuple(found)


def _about_holes(record: OrderRecord) -> Iterator[str]:
    for hole in record.holes:
        filled = sorted({one.slice_index + 1 for one in record.fills if hole.begin < one.time < hole.end})
        named = f"slice{'s' * (len(filled) > 1)} {', '.join(map(str, filled))}"
        yield (
            f"The recording has nothing {hole.words}: "
            + (f"{named} met the last book before it; " if filled else "")
            + "what is told of that time goes by the last message before it, and the book may be known again "
            "only some time after it."
        )


def _about_contract(order: Order) -> Iterator[str]:
    instrument = order.terms.instrument
    if instrument is not None and kind_of(instrument.symbol) is InstrumentKind.PERPETUAL:
        yield f"{instrument.symbol} is a perpetual contract: {NOT_SIMULATED}."


def _about_nothing(record: OrderRecord) -> Iterator[str]:
    """Why nothing was filled: else a shortfall reads like a cost, or like a gain."""
    if record.fills or record.order.status.is_open:
        return
    why = Counter(one.reason.value for one in record.slices if one.reason is not None)
    reasons = ", ".join(f"{reason} in {count}" for reason, count in why.most_common())
    ended = record.order.progress.reason.replace("_", " ") or record.order.status.value.lower()
    count = f"{len(record.slices)} slice{'s' * (len(record.slices) != 1)}"
    slices = f"{reasons} of {count}" if reasons else f"no slice was due ({ended})"
    done = "bought" if record.order.terms.side is Side.BUY else "sold"
    yield f"Nothing was filled: {slices}. The shortfall is how the price moved for what was not {done}."


def _about_size(measured: Benchmarks) -> Iterator[str]:
    share = measured.participation_percent
    if share is not None and share > _TOO_MUCH:
        yield (
            f"The order is {share.quantize(_WHOLE):f} % of what others traded meanwhile. Nobody reacted to "
            "it here; on an exchange an order of this size moves the price: expect a higher cost."
        )


def _about_progress(order: Order) -> Iterator[str]:
    if order.status.is_open:
        yield "The order is still working: what is not filled yet is valued at the latest mid."
    if order.plan.revision > 1:
        yield (
            f"The order was amended (revision {order.plan.revision}): costs are for the last quantity, "
            "the naive TWAP uses the last limit, the sweep uses the plan that was valid when it was measured."
        )


def _about_decision(order: Order, prices: Prices) -> Iterator[str]:
    if order.terms.decision_price is not None:
        return
    if prices.decision is None:
        yield (
            "No mid was known when the order was accepted or later: there is no decision price, "
            "so no shortfall, delay or opportunity, and no basis points of costs."
        )
    else:
        yield (
            "No mid was known when the order was accepted: the decision price is the first mid measured "
            f"after it, at {to_text(prices.decision.time)}."
        )


def _about_arrival(order: Order, prices: Prices) -> Iterator[str]:
    if prices.arrival is None:
        yield (
            "No mid was measured from the start on: there is no arrival price, so no arrival slippage, "
            "and delay and timing only where nothing was filled."
        )
    elif (late := prices.arrival.time - order.terms.start) > _SOON:
        yield f"The first mid after the start was measured {seconds_text(late)} s later: the arrival price."


def _about_end(order: Order, prices: Prices) -> Iterator[str]:
    end = end_of(order)
    if prices.end is None:
        yield (
            "No mid was measured up to the end: there is no end price, "
            "so opportunity and shortfall only where all was filled."
        )
    elif end is not None and end - prices.end.time > _LONG:
        early = seconds_text(end - prices.end.time)
        yield f"The last mid before the end was measured {early} s earlier: the end price."


def _about_realism(order: Order) -> Iterator[str]:
    realism = order.terms.realism
    if realism.slowest:
        yield (
            f"Each slice took {_millis(realism.latency - realism.latency_spread)} to "
            f"{_millis(realism.slowest)} ms to reach its exchange (drawn at random, realism "
            f"{realism.profile.value}): the mid and the best price of spread and timing are those of when "
            "it was sent; the naive TWAP takes the best price of when it arrived."
        )
    if realism.impact is ImpactModel.PRICE_SHIFT:
        yield (
            "Own impact was a price shift: the distance walked into a book stays out of reach and halves "
            f"every {seconds_text(realism.half_life or SHIFT_HALF_LIFE)} s. Depth contains what that cost."
        )


def _about_slices(record: OrderRecord) -> Iterator[str]:
    filled = {fill.slice_index for fill in record.fills}
    if any(one.index in filled and one.mid is None for one in record.slices):
        yield "A slice was filled from a book without a mid: timing and spread are not known."
    if record.slices and not any(one.touch is not None for one in record.slices):
        yield "No slice had a book: there is no naive TWAP to compare with."
    elif was_done_early(record):
        yield (
            "All was filled before the last slices were due: what equal slices would have paid at best "
            "prices was not seen, so they are not compared."
        )


def _about_market(record: OrderRecord, measured: Benchmarks) -> Iterator[str]:
    if end_of(record.order) == record.order.terms.start:
        yield "The order took no time: there is no time-weighted mid and no traded VWAP to hold it against."
    else:
        yield from _about_benchmarks(measured)
    if not record.order.terms.destinations:
        yield "The markets' fees are not recorded: the order is compared only where no fees are needed."


def _about_benchmarks(measured: Benchmarks) -> Iterator[str]:
    if measured.market_twap is None:
        yield "No mid was known between start and end: there is no time-weighted mid."
    elif measured.market_twap_coverage_percent < _NEARLY_ALL:
        yield f"A mid was known in {measured.market_twap_coverage_percent.normalize():f} % of the time."
    if not measured.traded_volume:
        yield "No trades were received: there is no traded VWAP, no participation, and no VWAP to compare."


def _about_sweep(record: OrderRecord) -> Iterator[str]:
    sweep = sweep_of(record)
    if sweep is None:
        yield "No sample was taken of a live book: there is no sweep at arrival to compare with."
    elif sweep.filled > record.order.plan.quantity:
        yield "The order was amended to less than the sweep at arrival filled: they are not compared."


def _millis(length: int) -> str:
    return exact.text(exact.ratio(Decimal(length), Decimal(MILLISECOND)))
