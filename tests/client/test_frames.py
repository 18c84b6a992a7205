"""Frames of pandas and polars: exact unless floats are asked for."""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas
import polars
import pytest

from twap_client import UsageError
from twap_client.frames import to_frame
from twap_client.order_pages import OrderPages
from twap_client.testing import book, candle, cost, order
from twap_models import Candle, CostPage, CostSummary, OrderEvent

LONG = "61837.630000000000000001"


@pytest.fixture
def candles() -> list[Candle]:
    return [candle(0, close=LONG), candle(1, closed=False)]


def test_pandas_keeps_decimals_times_and_truth(candles: list[Candle]) -> None:
    frame = to_frame(candles)
    assert isinstance(frame, pandas.DataFrame) and list(frame.columns) == list(Candle.model_fields)
    assert (frame["close"].dtype, frame["close"][0]) == ("object", Decimal(LONG))
    assert frame["volume"].sum() == Decimal("24.6913578")
    assert frame["open_time"].dtype == "datetime64[us, UTC]"
    assert frame["open_time"][1].to_pydatetime() == datetime(2026, 1, 1, 12, 1, tzinfo=UTC)
    assert list(frame["closed"]) == [True, False]


def test_polars_keeps_decimals_as_text(candles: list[Candle]) -> None:
    frame = to_frame(candles, library="polars")
    assert isinstance(frame, polars.DataFrame) and frame.columns == list(Candle.model_fields)
    assert (frame.schema["close"], frame["close"][0]) == (polars.String, LONG)
    assert frame.schema["open_time"] == polars.Datetime("us", "UTC")
    assert frame.schema["closed"] == polars.Boolean
    assert to_frame([candle(volume="1E+3")], library="polars")["volume"][0] == "1000"


def test_floats_where_they_are_asked_for(candles: list[Candle]) -> None:
    assert to_frame(candles, floats=True)["close"].dtype == "float64"
    frame = to_frame(candles, library="polars", floats=True)
    assert (frame.schema["close"], frame["close"][0]) == (polars.Float64, 61837.63)


def test_orders_and_events(candles: list[Candle]) -> None:
    made = [order("o-1", price="100"), order("o-2")]
    frame = to_frame(made)
    assert list(frame["token_id"]) == ["o-1", "o-2"] and list(frame["status"]) == ["Accepted"] * 2
    assert frame["limit_price"][0] == Decimal(100) and frame["limit_price"][1] is None
    assert frame["interval"][0] == timedelta(seconds=5) and frame["slice_count"].dtype == "Int64"
    assert "slices" not in frame.columns
    event = OrderEvent.model_validate(
        {"seq": 1, "event": "accepted", "token_id": "o-1", "time": made[0].creation_time, "order": made[0]}
    )
    for library in ("pandas", "polars"):
        told = to_frame([event], library=library)  # type: ignore[arg-type]
        assert (told["seq"][0], told["order_status"][0]) == (1, "Accepted")
        assert len(to_frame(made, library=library)) == 2  # type: ignore[arg-type]


def test_a_book_is_its_levels() -> None:
    frame = to_frame(book())
    assert list(frame.columns) == ["side", "price", "quantity"]
    assert list(frame["side"]) == ["bid", "bid", "ask", "ask"] and frame["price"][0] == Decimal("61837.63")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_nothing_is_an_empty_frame(library: str) -> None:
    assert len(to_frame([], library=library)) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_what_is_missing_is_said(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"pip install .* './packages/twap-client\[{library}\]'"):
        to_frame([candle()], library=library)  # type: ignore[arg-type]


def test_another_library_is_refused() -> None:
    with pytest.raises(ValueError, match="expected pandas or polars"):
        to_frame([candle()], library="dask")  # type: ignore[arg-type]


def test_a_page_of_costs_is_its_orders() -> None:
    page = CostPage(orders=[cost(order("o-1")), cost(order("o-2"))], summary=CostSummary(orders=2))
    assert list(to_frame(page)["token_id"]) == ["o-1", "o-2"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (7, "expected models of this library, got int"),
        (["x"], "expected models of this library, got str"),
        (OrderPages(None, {}), "got OrderPages: await it, or take"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_model_is_told(given: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        to_frame(given)


def test_another_library_is_told() -> None:
    with pytest.raises(UsageError, match="library: expected pandas or polars, got 'arrow'"):
        to_frame([candle()], library="arrow")  # type: ignore[arg-type]
