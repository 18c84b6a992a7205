"""Orders of users of their own: in one pass each comes to what it comes to alone, decided as it starts."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.tapes import T0_MS, market
from twap_models import OrderStatus, TwapOrderRequest
from twap_server.bootstrap.replaying import replay_apart
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.orders.record import OrderRecord
from twap_server.settings import Settings

T0 = datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(milliseconds=T0_MS)


def order(token: str, after_s: float, **changed: Any) -> TwapOrderRequest:
    given = {"exchange": "binance", "symbol": "BTCUSDT", "quantity": "9", "duration": "10s", "interval": 1}
    start = T0 + timedelta(seconds=after_s)
    return TwapOrderRequest.model_validate({"token_id": token, "start_time": start, **given, **changed})


def several() -> list[TwapOrderRequest]:
    return [
        order("late", 21),
        order("first", 5),
        order("again", 5),
        order("sell", 7.25, side="sell", randomize="20", carry="skip"),
        order("odd", 6.123456, quantity="3.3", interval="700ms"),
        order("other", 15, side="sell", quantity="30"),
    ]


def played(path: Path, orders: list[TwapOrderRequest]) -> dict[str, OrderRecord]:
    """By token id, without the numbers that are given in the order of coming."""
    found: dict[str, OrderRecord] = {}

    def take(record: OrderRecord) -> None:
        terms = record.order.terms
        assert terms.token_id not in found, "each once"
        found[terms.token_id] = record

    replay_apart(path, orders, Settings(), hand_out=take)
    return found


def plain(record: OrderRecord) -> dict[str, Any]:
    terms = replace(record.order.terms, order_id="")
    fills = [(one.slice_index, one.time, one.price, one.quantity, one.fee) for one in record.fills]
    return {
        "terms": terms,
        "plan": record.order.plan,
        "progress": record.order.progress,
        "slices": record.slices,
        "fills": fills,
        "samples": record.samples,
    }


def test_an_order_does_not_feel_the_others(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=120)
    together = played(path, several())
    assert together.keys() == {one.token_id for one in several()}
    assert plain(together["first"])["fills"] == plain(together["again"])["fills"] != []
    for one in several():
        alone = played(path, [one])
        assert plain(alone[one.token_id]) == plain(together[one.token_id])


def test_is_decided_and_begun_when_it_starts(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=60)
    for token, record in played(path, several()).items():
        asked = next(one for one in several() if one.token_id == token)
        assert isinstance(asked.start_time, datetime)
        terms = record.order.terms
        start = int(asked.start_time.timestamp() * 1_000_000) * 1_000
        assert terms.created == terms.start == start
        assert record.slices[0].due - start < 10**9
        assert all(one.decided == one.due for one in record.slices if one.filled)
        assert terms.decision_price == record.samples[0].mid is not None


def test_the_last_mark_out_is_there(tmp_path: Path) -> None:
    record = played(market(tmp_path / "a.gz", seconds=120), [order("one", 5)])["one"]
    assert record.order.status is OrderStatus.FILLED
    assert record.samples[-1].time >= record.fills[-1].time + 60 * 10**9


def test_plays_no_further_than_the_orders_need(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=200)
    done = replay_apart(path, [order("one", 5)], Settings(), hand_out=lambda _: None)
    assert (done.end - done.start) / 1e9 == pytest.approx(85, abs=1)


def test_a_start_before_the_book_is_live_is_refused(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=20)
    with pytest.raises(InvalidRequest, match=r"order soon starts at .*, and the recording's books are live"):
        played(path, [order("soon", 0.08)])


def test_a_start_behind_the_end_is_refused(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=20)
    with pytest.raises(InvalidRequest, match=r"order late starts at .*, and the recording ends at"):
        played(path, [order("late", 40)])


def test_an_order_needs_a_moment(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=20)
    with pytest.raises(InvalidRequest, match="order one has no absolute start_time"):
        replay_apart(path, [order("one", 5, start_time=None)], Settings(), hand_out=lambda _: None)
