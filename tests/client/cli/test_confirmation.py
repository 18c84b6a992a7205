"""What is shown before an order is submitted, and what looks like a slip of the pen."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from support.client import drawn
from twap_client.cli import confirmation
from twap_client.testing import candle, preview
from twap_models import OrderPreview

NOTHING = {"filled_quantity": 0, "unfilled_quantity": "0.5", "spread": 0, "depth": 0, "fees": 0, "total": 0}


def estimate(filled: str, unfilled: str = "0", total: str = "1.25") -> dict[str, object]:
    return NOTHING | {
        "filled_quantity": filled, "unfilled_quantity": unfilled, "total": total, "total_bps": "0.4",
    }  # fmt: skip


def costing(slices: dict[str, object], sweep: dict[str, object], **fields: object) -> OrderPreview:
    cost = {
        "mid": "61837.63", "touch": 61840, "book_status": "live", "book_age_ms": 300,
        "slices": slices, "sweep": sweep,
    }  # fmt: skip
    return preview("order-7", expected_cost=cost, **fields)


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_new_york")
def test_the_order_in_a_few_lines() -> None:
    made = costing(estimate("0.5"), estimate("0.5", total="0.00000012"), quantity="0.5")
    lines = [" ".join(line.split()) for line in drawn(confirmation.view(made, []), 100)]
    assert lines == [
        "buy 0.5 BTC-USDT on binance, no limit",
        "price now 61840 USDT (live, 0.3 s old)",
        "worth 30918.82 USDT" if (made.quantity * Decimal("61837.63")) > 30918 else "",
        "slices 12 of 0.04166667, one every 5 s",
        "from 2026-01-01 12:00:00 UTC, here 2026-01-01 07:00:00 (EST)",
        "until 2026-01-01 12:01:00 UTC, here 2026-01-01 07:01:00 (EST)",
        "cost about 1.25 USDT (0.40 bps) in slices, 0.00000012 USDT (0.40 bps) all at once",
        "order id order-7",
    ]


def test_what_is_broken_and_doubtful_is_shown() -> None:
    broken = [{"reason": "invalid_price", "field": "price", "detail": "price -5 must be above 0"}]
    made = preview(accepted=False, broken=broken, cost_reason="no live book", warnings=["began 3 h ago"])
    text = " ".join(" ".join(drawn(confirmation.view(made, ["a doubt"]), 100)).split())
    for words in (
        "would be rejected",
        "✗ price: price -5",
        "not known: no live book",
        "note: began",
        "look again: a doubt",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("side", "limit", "words"),
    [
        ("buy", 70000, "the limit 70000 is 13.2 % above the price now (61840): it protects from little"),
        ("buy", 61900, None),
        ("buy", 6184, "the limit 6184 is 90.0 % below the price now (61840): nothing fills until"),
        ("sell", 50000, "the limit 50000 is 19.1 % below the price now (61840): it protects from little"),
        ("sell", 61839, None),
        ("sell", 618400, "the limit 618400 is 900.0 % above the price now (61840): nothing fills until"),
        ("buy", None, None),
    ],
)
def test_a_limit_far_from_the_market(side: str, limit: int | None, words: str | None) -> None:
    made = costing(estimate("0.5"), estimate("0.5"), side=side, limit_price=limit)
    found = confirmation.doubts(made, [])
    assert [words is not None] == [bool(found)] or not found
    assert words is None or found[0].startswith(words)


def test_more_than_the_book_holds() -> None:
    (swept,) = confirmation.doubts(costing(estimate("500"), estimate("114.6", "385.4")), [])
    assert swept == "it is more than the book holds now (114.6 within reach): it fills as the book refills"
    (sliced,) = confirmation.doubts(costing(estimate("400", "100"), estimate("80", "420"), quantity=500), [])
    assert sliced == "a slice is more than the book holds: of 500 only 400 would fill"


def test_more_than_a_day_trades() -> None:
    made = costing(estimate("0.5"), estimate("0.5"), quantity=24)
    hours = [candle(number, volume=volume) for number, volume in enumerate([1] * 24)]
    assert confirmation.doubts(made, hours) == ["it is 100.0 % of what was traded in the last day (24)"]
    assert confirmation.doubts(made, hours[:12]) == ["it is more than was traded in the last day (12)"]
    assert confirmation.doubts(made, [candle(0, volume=1000)]) == []
