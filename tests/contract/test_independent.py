"""Orders replayed from a recording are recomputed whole by code that shares nothing with the server."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest

from support.plain import Asked, Recomputed, by_decay, by_weights, recompute, straight
from support.recordings import BINANCE_BTCUSDT, recording
from twap_models.orders import StrategyOrderRequest, TwapOrderRequest
from twap_server.bootstrap import replay
from twap_server.domain.clock import SECOND, to_iso
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.report import report
from twap_server.settings import Settings

pytestmark = pytest.mark.long
"""CI runs it in a step of its own: whole servers, and whole recordings read by plain code."""

BEGIN = 1_723_161_260 * SECOND
FEE = "0.00075"
LOT = "0.00001"
STARTS = {"straight": 0, "weights": 1, "decay": 2}
"""Seconds after the begin: no two slices are decided at the same moment."""
SHARES = {"straight": straight, "weights": by_weights([1, 4, 2, 3]), "decay": by_decay(40)}
SHAPE = {
    "straight": {"randomize": 30, "price": "61841"},
    "weights": {"strategy": "vwap", "volume_profile": [1, 4, 2, 3]},
    "decay": {"strategy": "is", "half_life": "40s", "price": "61846.5"},
}
QUANTITY, SLICES, LENGTH = "90", 30, 150


def requested(name: str) -> TwapOrderRequest:
    start = BEGIN + STARTS[name] * SECOND
    body = {
        "token_id": name,
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "quantity": QUANTITY,
        "start_time": to_iso(start),
        "end_time": to_iso(start + LENGTH * SECOND),
        "slices": SLICES,
    }
    return StrategyOrderRequest.model_validate(body | SHAPE[name])


def asked(name: str, made: OrderRecord) -> Asked:
    """The same for the plain code; of the server only how it names the user, and the smallest slice."""
    start, limit = BEGIN + STARTS[name] * SECOND, SHAPE[name].get("price")
    return Asked(
        name=name,
        quantity=Fraction(QUANTITY),
        limit=None if limit is None else Fraction(str(limit)),
        start=start,
        end=start + LENGTH * SECOND,
        count=SLICES,
        lot=Fraction(LOT),
        fee=Fraction(FEE),
        share=SHARES[name],
        randomize=int(SHAPE[name].get("randomize", 0)),  # type: ignore[call-overload]
        user=made.order.terms.user_id,
        step=Fraction(made.order.plan.step),
    )


@pytest.fixture(scope="module")
def made() -> dict[str, OrderRecord]:
    settings = Settings.model_validate({"exchanges": {"binance": {"taker_fee": FEE}}})
    done = replay(recording(BINANCE_BTCUSDT), [requested(name) for name in STARTS], settings)
    return {one.order.terms.token_id: one for one in done.records}


@pytest.fixture(scope="module")
def plain(made: dict[str, OrderRecord]) -> tuple[dict[str, Recomputed], dict[int, Fraction]]:
    looks = [(one.decided or 0, name) for name, record in made.items() for one in record.slices]
    looks += [(sample.time, "") for record in made.values() for sample in record.samples]
    looks += [(record.order.terms.created, "") for record in made.values()]
    wanted = [asked(name, record) for name, record in made.items()]
    return recompute(recording(BINANCE_BTCUSDT), wanted, looks)


Plain = tuple[dict[str, Recomputed], dict[int, Fraction]]


@pytest.mark.parametrize("name", STARTS)
def test_every_slice_and_fill_is_the_same(name: str, made: dict[str, OrderRecord], plain: Plain) -> None:
    record, recomputed = made[name], plain[0][name]
    assert len(record.slices) == len(recomputed.slices) > 20
    for told, again in zip(record.slices, recomputed.slices, strict=True):
        where = (name, told.index)
        assert told.due == again["due"] and 0 <= (told.decided or 0) - told.due < SECOND // 1_000, where
        for figure in ("target", "wanted", "filled", "mid", "touch"):
            assert _exact(getattr(told, figure)) == again[figure], (*where, figure)
        fills = [
            (Fraction(one.price), Fraction(one.quantity))
            for one in record.fills
            if one.slice_index == told.index
        ]
        assert fills == again["fills"], where
    progress = record.order.progress
    assert (progress.filled, progress.notional, progress.fees) == (
        recomputed.filled, recomputed.notional, recomputed.fees,
    )  # fmt: skip
    assert len(record.fills) > len(record.slices), "several levels were walked"


@pytest.mark.parametrize("name", STARTS)
def test_the_shortfall_and_its_parts_are_the_same(
    name: str, made: dict[str, OrderRecord], plain: Plain
) -> None:
    record, (done, mids) = made[name], plain
    measured = {sample.time: mids[sample.time] for sample in record.samples}
    measured |= {
        one.decided or 0: again["mid"]
        for one, again in zip(record.slices, done[name].slices, strict=True)
        if again["mid"]
    }
    first = min(at for at in measured if at >= done[name].asked.start)
    last = max(at for at in measured if at <= (record.order.progress.ended or 0))
    decision = mids[record.order.terms.created]
    costs = report(record).costs
    again = done[name].costs(decision, measured[first], measured[last])
    assert {part: _exact(getattr(costs, part)) for part in again} == again
    assert all(again[part] for part in ("delay", "timing", "spread", "depth", "fees"))


def test_every_sampled_mid_is_the_same(made: dict[str, OrderRecord], plain: Plain) -> None:
    samples = [sample for record in made.values() for sample in record.samples]
    assert len(samples) > 300
    assert all(_exact(sample.mid) == plain[1][sample.time] for sample in samples)


def test_own_impact_mattered(made: dict[str, OrderRecord]) -> None:
    """Else the plain code would be right without it."""
    taken: set[tuple[Decimal, int]] = set()
    again: Sequence[bool] = []
    for record in made.values():
        again = [*again, *((one.price, 0) in taken for one in record.fills)]
        taken |= {(one.price, 0) for one in record.fills}
    assert sum(again) > 50


def _exact(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)
