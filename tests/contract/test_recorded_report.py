"""The report of an order run on the recorded Binance book, recomputed from the recording by other code.

For every slice the state of the recorded book that gives its fills is looked for; mids and best prices are
then read off that state, so average, spread, depth and timing do not lean on the product's own books.
"""

import csv
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from support.live import bought_on_binance, signed_in, simulated
from support.recordings import BINANCE_BTCUSDT, recording, rows
from twap_models import ExecutionReport, Fill, OrderStatus, exact_json
from twap_server.clock import SystemClock
from twap_server.venue.recording import RecordingSource

BOOKS = 900
TOP = 40
Levels = dict[Decimal, Decimal]
Book = tuple[Levels, Levels]


def replayed(path: Path) -> list[Book]:
    """The best bids and asks after each recorded message, by the exchange's manual."""
    sides: Book = ({}, {})
    states = list[Book]()
    for bids, asks in islice(changes(path), BOOKS):
        for side, levels in zip(sides, (bids, asks), strict=True):
            side.update({Decimal(price): Decimal(quantity) for price, quantity in levels})
        left = [{price: shown for price, shown in side.items() if shown} for side in sides]
        states.append((dict(sorted(left[0].items())[-TOP:]), dict(sorted(left[1].items())[:TOP])))
    return states


def changes(path: Path) -> Iterator[tuple[list[list[str]], list[list[str]]]]:
    """The snapshot, then every later change: changes before it are held back, and old ones dropped."""
    held: list[dict[str, Any]] = []
    last = 0
    for row in rows(path):
        body = exact_json.loads(row["raw"])
        if "lastUpdateId" in body:
            last = body["lastUpdateId"]
            yield body["bids"], body["asks"]
            yield from ((one["b"], one["a"]) for one in held if one["u"] > last)
        elif body["stream"].endswith("@depth@100ms") and not last:
            held.append(body["data"])
        elif body["stream"].endswith("@depth@100ms") and body["data"]["u"] > last:
            yield body["data"]["b"], body["data"]["a"]


def first_that_gives(
    states: list[Book], fills: list[Fill], mid: Decimal, taken: Levels, start: int
) -> tuple[int, Decimal]:
    """The first state from ``start`` on with this mid whose asks a walk empties just so, and its best ask.

    What better levels keep, we took before.
    """
    filled = {fill.price: fill.quantity for fill in fills}
    worst = max(filled)
    for index in range(start, len(states)):
        bids, asks = states[index]
        if (max(bids) + min(asks)) / 2 != mid:
            continue
        if not filled.keys() <= asks.keys() or asks[worst] < filled[worst]:
            continue
        better = {price: shown for price, shown in asks.items() if price < worst}
        kept = {price: shown - filled.get(price, Decimal(0)) for price, shown in better.items()}
        if all(0 <= left <= taken.get(price, Decimal(0)) for price, left in kept.items()):
            return index, min(asks)
    raise AssertionError(f"no recorded book gives {fills}")


@pytest.mark.long
async def test_the_report_can_be_recomputed_from_the_recording(tmp_path: Path) -> None:
    path = recording(BINANCE_BTCUSDT)
    source = RecordingSource(path, clock=SystemClock(), speed=5)
    async with simulated(tmp_path, source) as url, signed_in(url) as client:
        done = await bought_on_binance(url, client, quantity="12", duration=6, slices=12)
        report = await client.orders.report("real")
        table = list(csv.DictReader(StringIO(await client.orders.report_csv("real", table="slices"))))
        page = await client.orders.report_html("real")
    assert (done.status, done.filled_quantity) == (OrderStatus.FILLED, 12)
    states = replayed(path)
    paid = at_touch = at_mid = Fraction(0)
    position, taken = 0, Levels()
    for piece in done.slices:
        fills = [fill for fill in done.fills if fill.slice == piece.index]
        mid = Decimal(table[piece.index]["mid"])
        position, ask = first_that_gives(states, fills, mid, taken, position)
        for fill in fills:
            taken[fill.price] = taken.get(fill.price, Decimal(0)) + fill.quantity
            paid += Fraction(fill.price) * Fraction(fill.quantity)
        got = Fraction(piece.filled_quantity)
        at_touch += got * Fraction(ask)
        at_mid += got * Fraction(mid)
        assert Decimal(table[piece.index]["touch"]) == ask
    assert position > 0
    _compare(report, paid, at_touch, at_mid)
    assert page.count('class="fill"') == len(done.fills) and "simulated" in page


def _compare(report: ExecutionReport, paid: Fraction, at_touch: Fraction, at_mid: Fraction) -> None:
    costs = report.costs
    assert Fraction(report.notional) == paid
    assert report.average_price is not None
    assert abs(Fraction(report.average_price) - paid / 12) <= Fraction(1, 2 * 10**12)
    assert costs.spread.amount is not None and costs.depth.amount is not None
    assert Fraction(costs.spread.amount) == at_touch - at_mid
    assert Fraction(costs.depth.amount) == paid - at_touch and costs.depth.amount > 0, (
        "it went into the depth"
    )
    assert costs.timing.amount is not None and report.arrival_price is not None
    assert Fraction(costs.timing.amount) == at_mid - 12 * Fraction(report.arrival_price)
    assert costs.delay.amount is not None and report.decision_price is not None
    assert costs.implementation_shortfall.amount is not None
    assert Fraction(costs.implementation_shortfall.amount) == paid - 12 * Fraction(report.decision_price)
    assert costs.opportunity.amount == costs.fees.amount == 0
    assert report.counterfactuals.sweep and report.counterfactuals.sweep.filled_quantity == 12
    assert report.market_twap_coverage_percent > 90 and report.traded_volume > 0
    assert report.mark_outs[0].fills > 0


@pytest.mark.long
def test_the_replay_sees_what_is_not_there() -> None:
    """A fill that no recorded book gives is found out."""
    states = replayed(recording(BINANCE_BTCUSDT))
    mid = (max(states[0][0]) + min(states[0][1])) / 2
    wrong = Fill(
        fill_id="x",
        slice=0,
        time="2026-01-01T00:00:00Z",
        exchange="binance",
        price=min(states[0][1]),
        quantity="999999",
        fee=0,
    )
    with pytest.raises(AssertionError, match="no recorded book"):
        first_that_gives(states, [wrong], mid, {}, 0)
