"""A TWAP order filled from the recorded Binance book; its average price is recomputed from the recording."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

from support.live import bought_on_binance, signed_in, simulated
from support.recordings import BINANCE_BTCUSDT, recording, rows
from twap_models import Fill, OrderStatus, exact_json
from twap_server.clock import SystemClock
from twap_server.venue.recording import RecordingSource

DEPTH_LOOKED_AT = 20
Side = dict[Decimal, Decimal]


class RecordedAsks:
    """The ask side replayed from the recording by the manual's rule, independent of the product's code."""

    def __init__(self, path: Path, messages: int) -> None:
        self.states = list(self._replay(path, messages))

    def _replay(self, path: Path, messages: int) -> "list[Side]":
        asks: Side = {}
        held: list[dict[str, object]] = []
        last = 0
        states = []
        for row in rows(path):
            body = exact_json.loads(row["raw"])
            if "lastUpdateId" in body:
                last = body["lastUpdateId"]
                asks = {Decimal(price): Decimal(quantity) for price, quantity in body["asks"]}
                changes, held = held, []
            elif body["stream"].endswith("@depth@100ms"):
                changes = [body["data"]]
                if not last:
                    held += changes
                    continue
            else:
                continue
            for change in changes:
                if change["u"] > last:
                    self._apply(asks, change["a"])
            states.append(dict(sorted(asks.items())[:DEPTH_LOOKED_AT]))
            if len(states) >= messages:
                break
        return states

    @staticmethod
    def _apply(asks: Side, levels: list[list[str]]) -> None:
        for price, quantity in levels:
            if Decimal(quantity):
                asks[Decimal(price)] = Decimal(quantity)
            else:
                asks.pop(Decimal(price), None)

    def first_that_gives(self, fills: list[Fill], taken: Side, start: int) -> int:
        """The first state from ``start`` on whose best levels give exactly these fills."""
        for index in range(start, len(self.states)):
            if _gives(self.states[index], fills, taken):
                return index
        raise AssertionError(f"no recorded book gives {fills}")


def _gives(asks: Side, fills: list[Fill], taken: Side) -> bool:
    """Whether a walk of this book gives the fills; what better levels keep, we took before."""
    filled = {fill.price: fill.quantity for fill in fills}
    worst = max(filled)
    if not filled.keys() <= asks.keys():
        return False
    left = {price: shown - filled.get(price, Decimal(0)) for price, shown in asks.items() if price <= worst}
    return left[worst] >= 0 and all(
        0 <= kept <= taken.get(price, Decimal(0)) for price, kept in left.items() if price < worst
    )


async def test_the_average_price_can_be_recomputed_from_the_recording(tmp_path: Path) -> None:
    path = recording(BINANCE_BTCUSDT)
    source = RecordingSource(path, clock=SystemClock(), speed=5)
    async with simulated(tmp_path, source) as url, signed_in(url) as client:
        done = await bought_on_binance(url, client, quantity="0.2", duration=5, slices=20)
        report = await client.orders.report(done.token_id)
    assert (done.status, done.filled_quantity) == (OrderStatus.FILLED, Decimal("0.2"))
    recorded = RecordedAsks(path, messages=900)
    position, notional, taken = 0, Decimal(0), Counter[Decimal]()
    for piece in done.slices:
        fills = [fill for fill in done.fills if fill.slice == piece.index]
        if not fills:  # a busy machine came too late to it; a later slice caught up
            continue
        position = recorded.first_that_gives(fills, dict(taken), position)
        taken.update({fill.price: fill.quantity for fill in fills})
        book = recorded.states[position]
        notional += sum(
            (fill.quantity * next(p for p in book if p == fill.price) for fill in fills), Decimal(0)
        )
    assert done.average_price == (notional / Decimal("0.2")).quantize(Decimal("1e-12"))
    assert report.notional == notional
    assert 0 < position < len(recorded.states)
