"""Views: nothing is cut at any width, an id is in one piece, and away from a terminal a row is a line."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console, RenderableType
from rich.text import Text

from support.client import drawn
from twap_client.cli import render
from twap_client.cli.fitting_table import FittingTable, left, right, words
from twap_client.cli.fitting_table import drawn as drawn_column
from twap_client.cli.preview import preview_view
from twap_client.cli.report_view import report_view
from twap_client.testing import book, candle, exchange, instrument, order, preview
from twap_client.testing.examples import NOON
from twap_models import ApiKey, ExecutionReport, Interval, OrderEvent, Slice, TwapOrder

UUID = "2b420b08-a601-472d-beee-95cfa3c878ad"
LONGEST = "x" * 54 + ".:-_"
WHY = "restricted where this server stands: the exchange answers 451, see its terms"
INTERVALS = [interval.value for interval in Interval]
LONG_NUMBER = "123456789012.123456789012"


def squeezed(text: str) -> str:
    return "".join(text.split())


def part(**fields: object) -> Slice:
    standard = {"index": 71_234, "due_time": NOON, "outcome": "partial", "reason": "participation_cap"}
    quantities = {"wanted_quantity": LONG_NUMBER, "filled_quantity": "0.1", "average_price": "61837.64"}
    return Slice.model_validate(standard | quantities | fields)


def orders() -> list[TwapOrder]:
    standard = {
        "exchange": "aggregate",
        "quantity": LONG_NUMBER,
        "filled_quantity": 1,
        "average_price": "61837.64",
    }
    return [
        order(UUID, status="Working", side="sell", **standard),
        order(LONGEST, status="Rejected", side="buy", symbol="1000SATS-USDT", instrument="1000SATS-USDT"),
    ]


def event() -> OrderEvent:
    about = TwapOrder.model_validate(orders()[0].model_dump())
    fields = {"seq": 1_234_567, "event": "slice", "token_id": UUID, "time": NOON, "order": about}
    return OrderEvent.model_validate(fields | {"slice": part()})


def detail() -> RenderableType:
    fill = {"fill_id": "f", "slice": 71_234, "time": NOON, "exchange": "coinbase", "price": "0.000012345678"}
    fills = [fill | {"quantity": LONG_NUMBER, "fee": "0.000000123456"}]
    return render.order_view(order(LONGEST, status="Paused", side="sell", slices=[part()], fills=fills))


def watched() -> RenderableType:
    small = book(bids=[["0.000012345678", "123456789.12345678"]] * 10)
    followed = order(
        UUID, status="Working", quantity=LONG_NUMBER, remaining_quantity=LONG_NUMBER, slices=[part()] * 6
    )
    return render.watch_screen(small, followed, NOON)


def api_key(**fields: object) -> ApiKey:
    standard = {"key_id": LONGEST, "name": "nightly-report", "scopes": ["read", "trade"], "created": NOON}
    return ApiKey.model_validate(standard | fields)


def estimate() -> RenderableType:
    figures = dict.fromkeys(("spread", "depth", "fees", "total", "total_bps", "average_price"), "123456.1234")
    made = figures | {
        "filled_quantity": LONG_NUMBER,
        "unfilled_quantity": "0.1",
        "stopped_by": "depth_exhausted",
    }
    cost = {"mid": 1, "touch": 1, "book_status": "live", "book_age_ms": 1, "slices": made, "sweep": made}
    return preview_view(preview(expected_cost=cost, slices=4))


def report() -> RenderableType:
    costs = {
        name: {"amount": "-123456.123456789012345678", "bps": "-12.3456"} for name in ("timing", "depth")
    }
    told = {"token_id": LONGEST, "status": "Working", "costs": costs, "exchange": "aggregate"}
    return report_view(ExecutionReport.model_validate(told))


VIEWS: dict[str, tuple[Callable[[], RenderableType], list[str]]] = {
    "exchanges": (
        lambda: render.exchanges_table(
            [exchange("coinbase", status="down", reason=WHY, intervals=INTERVALS)]
        ),
        ["coinbase", "● down", WHY, *INTERVALS, "sequence"],
    ),
    "symbols": (
        lambda: render.instruments_table(
            "x",
            [
                instrument("1000SATS-USDT", tick_size="0.000000000001"),
                instrument("BTC-USDT", tick_size="0.00000001", price_digits=5),
            ],
        ),
        ["1000SATS-USDT", "1000SATSUSDT", "0.000000000001", "0.00000001, 5 digits", "trading"],
    ),
    "klines": (
        lambda: render.candles_table("x", [candle(open=LONG_NUMBER, volume=LONG_NUMBER, closed=False)]),
        ["2026-01-01 12:00:00", LONG_NUMBER, "61750.55", "forming"],
    ),
    "book": (
        lambda: render.book_panel(
            book(bids=[["0.000012345678", "123456789.12345678"]]), NOON + timedelta(seconds=1)
        ),
        ["0.000012345678", "123456789.12345678", "61837.64"],
    ),
    "orders": (
        lambda: render.orders_table(orders()),
        [UUID, LONGEST, "● Working", "● Rejected", "sell", "buy"],
    ),
    "order": (detail, [LONGEST, "sell", "Paused", "partial", "participation_cap", LONG_NUMBER, "coinbase"]),
    "keys": (
        lambda: render.keys_table([api_key(expires=NOON)], NOON),
        [LONGEST, "nightly-report", "read trade", "ended 2026-01-01 12:00:00"],
    ),
    "submitted": (lambda: render.order_line(orders()[0]), [UUID, LONG_NUMBER, "Working", "61837.64"]),
    "watch": (watched, [UUID, LONG_NUMBER, "● live", "● Working", "0.000012345678", "61837.64"]),
    "preview": (estimate, [LONG_NUMBER, "123456.1234", "depth_exhausted"]),
    "report": (report, [LONGEST, "-123456.123456789012345678", "-12.35"]),
    "events": (
        lambda: render.events_table([event()]),
        ["1234567", "2026-01-01 12:00:00", "● Working", "partial"],
    ),
}


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200, 10_000])
@pytest.mark.parametrize("name", VIEWS)
def test_nothing_is_cut(name: str, width: int) -> None:
    picture, expected = VIEWS[name]
    lines = drawn(picture(), width)  # which sees that no line is wider than the terminal
    assert not any("…" in line for line in lines)
    for word in " ".join(expected).split():
        assert any(word in line for line in lines), f"{word} is cut or in pieces"


def test_what_matters_most_stands_in_columns_and_the_rest_below() -> None:
    lines = [line.rstrip() for line in drawn(render.orders_table(orders()[:1]), 60)]
    assert lines[0].split() == ["token", "status", "side"]
    assert lines[1].split() == [UUID, "●", "Working", "sell"]
    assert lines[2] == f"  quantity {LONG_NUMBER}  symbol BTC-USDT"


def test_where_hardly_a_column_fits_each_value_has_its_name() -> None:
    lines = [line.rstrip() for line in drawn(render.orders_table(orders()[1:]), len(LONGEST))]
    assert lines[:2] == [LONGEST, "  status ● Rejected  side buy  quantity 1"]


def test_a_number_within_a_sentence_is_not_cut() -> None:
    sheet = FittingTable(left("id"), words("why"))
    sheet.add_row("x" * 10, f"it took {LONG_NUMBER} of {LONG_NUMBER}{LONG_NUMBER}")
    assert any(f"{LONG_NUMBER}{LONG_NUMBER}" in line for line in drawn(sheet, 60))


def test_away_from_a_terminal_a_row_is_a_line_with_tabs() -> None:
    console = Console(width=60, file=StringIO(), force_terminal=False)
    sheet = FittingTable(
        left("name", "state"), drawn_column("bar"), right("value"), words("why"), title="some"
    )
    sheet.add_row("a", Text("● live", "green"), "███", "1.5", "first\nsecond\tthird")
    sheet.add_row("b", "down", "█", "–")
    console.print(sheet)
    assert console.file.getvalue() == (  # type: ignore[attr-defined]
        "name\tstate\tvalue\twhy\na\tlive\t1.5\tfirst second third\nb\tdown\t\t\n"
    )


CELLS = st.text(st.characters(categories=["L", "N"], max_codepoint=0x7F), min_size=1, max_size=70)


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5), st.integers(20, 200), st.booleans())
def test_every_cell_is_there_at_every_width(rows: list[tuple[str, ...]], width: int, brief: bool) -> None:
    sheet = FittingTable(left("a"), right("b"), words("c"), brief=brief)
    for row in rows:
        sheet.add_row(*row)
    lines = drawn(sheet, width)
    for cells in rows:
        for cell in cells[:2]:
            assert any(cell in line for line in lines) or len(cell) > width - 4
    kept = squeezed("".join(lines))
    assert len(kept) >= sum(len(cell) for row in rows for cell in row)


def test_where_there_is_room_values_stand_in_columns() -> None:
    sheet = FittingTable(left("name"), right("value"), words("why"))
    sheet.add_row("a", "1", "first")
    sheet.add_row("bc", "23", Text("second"))
    assert [line.rstrip() for line in drawn(sheet, 30)] == [
        "name  value  why",
        "a         1  first",
        "bc       23  second",
    ]
