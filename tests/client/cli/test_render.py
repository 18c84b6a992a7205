"""What the views show, drawn to text and to a picture."""

from datetime import timedelta
from decimal import Decimal

import pytest
from rich.console import Console, RenderableType

from twap_client.cli import render
from twap_client.cli.figures import percent, rounded, span
from twap_client.cli.preview import preview_view
from twap_client.cli.report_view import report_view
from twap_client.cli.watch import merged
from twap_client.testing import book, order, preview
from twap_client.testing.examples import NOON
from twap_models import (
    ExecutionReport,
    OrderEvent,
    OrderStatus,
    Slice,
    SliceOutcome,
    TwapOrder,
    TwapOrderDetail,
)
from twap_models.preview import ImpactForecast, StrategyComparison
from twap_models.reading import for_reading, number


def text(picture: RenderableType, width: int = 120) -> str:
    console = Console(width=width, record=True, force_terminal=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(picture)
    return console.export_text()


def working() -> TwapOrderDetail:
    slices = [
        {
            "index": index,
            "due_time": NOON + timedelta(seconds=5 * index),
            "outcome": "filled" if index < 9 else "missed",
            "reason": None if index < 9 else "limit_not_met",
            "wanted_quantity": "0.05",
            "filled_quantity": "0.05" if index < 9 else 0,
            "average_price": "61837.64" if index < 9 else None,
        }
        for index in range(10)
    ]
    fills = [
        {
            "fill_id": f"f-{index}",
            "slice": index,
            "time": NOON,
            "exchange": "binance",
            "price": "61837.64",
            "quantity": "0.05",
            "fee": "0.1",
        }
        for index in range(9)
    ]
    return order(
        "o-1",
        status="Working",
        filled_quantity="0.45",
        remaining_quantity="0.55",
        average_price="61837.640000000000",
        limit_price="62000",
        slices=slices,
        fills=fills,
    )


def test_a_live_book_and_its_order_side_by_side() -> None:
    shown = text(render.watch_screen(book(), working(), NOON + timedelta(seconds=50)))
    for part in (
        "binance BTC-USDT",
        "● live",
        "61837.64",
        "spread 0.01 (0.00 bps)",
        "buy 1 BTC-USDT on binance",
        "45.0 %",
        "10 of 12",
        "10 s",
        "limit_not_met",
        "last fills",
    ):
        assert part in shown, part
    assert max(map(len, shown.splitlines())) <= 120


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_it_fits_the_terminal(width: int) -> None:
    shown = text(render.watch_screen(book(), working(), NOON), width)
    assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize("halves", [(37, 43), (46, 54), (55, 65)], ids=lambda both: str(sum(both)))
@pytest.mark.parametrize("status", ["Accepted", "Working", "Paused", "Canceled"])
def test_state_and_ages_are_whole_in_half_a_terminal(halves: tuple[int, int], status: str) -> None:
    followed = working().model_copy(update={"exchange": "aggregate", "status": OrderStatus(status)})
    late = book(lag_ms=8_512)
    for width, drawn, parts in (
        (
            halves[1],
            render.order_panel(followed, NOON),
            ("buy 1 BTC-USDT on aggregate", f"● {status}", "o-1"),
        ),
        (
            halves[0],
            render.book_panel(late, late.ts_sent),
            ("binance BTC-USDT  ● live", "spread 0.01", "lag 8.5 s"),
        ),
    ):
        shown = text(drawn, width)
        flowing = " ".join(shown.replace("│", " ").split())
        assert "…" not in shown
        assert [part for part in parts if " ".join(part.split()) not in flowing] == []


def test_a_book_that_is_not_live_says_so() -> None:
    shown = text(render.book_panel(book(status="resyncing", reason="sequence gap"), NOON))
    assert "● resyncing" in shown and "not current: sequence gap" in shown


@pytest.mark.parametrize(
    ("lag_ms", "said"),
    [
        (40, "0.1 s old, lag 40 ms"),
        (8_512, "0.1 s old, lag 8.5 s"),
        (-1_200, "lag -1.2 s"),
        (None, "0.1 s old"),
    ],
)
def test_a_book_says_how_old_it_is_and_how_late_its_change_came(lag_ms: int | None, said: str) -> None:
    shown = book(lag_ms=lag_ms)
    for drawn in (text(render.book_panel(shown, shown.ts_sent)), render.book_line(shown)):
        assert said in drawn
        assert ("lag" in drawn) == (lag_ms is not None)


@pytest.mark.parametrize(
    "shown", [book(bids=[], asks=[]), book(bids=[], age_ms=None), book(bids=[["0", "0"]], asks=[["0", "0"]])]
)
def test_strange_books_are_drawn(shown: object) -> None:
    assert text(render.watch_screen(shown, None, NOON))  # type: ignore[arg-type]


def test_waiting_for_everything() -> None:
    assert "waiting for a book" in text(render.watch_screen(None, None, NOON))
    assert "waiting for books" in text(render.books_screen([], NOON))
    assert "100.0 %" not in text(render.watch_screen(None, order(), NOON))


def test_the_view_can_be_exported_as_a_picture() -> None:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(render.watch_screen(book(), working(), NOON))
    assert console.export_svg(title="twap watch").startswith("<svg")


def test_an_event_adds_to_an_order_once() -> None:
    before = order("o-1")
    after = working()
    event = OrderEvent(
        seq=1,
        event="slice",
        token_id="o-1",
        time=NOON,
        order=TwapOrder.model_validate(after.model_dump()),
        slice=after.slices[0],
        fills=after.fills[:1],
    )
    once = merged(before, event)
    assert (once.filled_quantity, len(once.slices), len(once.fills)) == (Decimal("0.45"), 1, 1)
    assert merged(once, event) == once


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (number(Decimal("1.500")), "1.5"),
        (number(Decimal("100")), "100"),
        (number(None), "–"),
        (for_reading(Decimal("59950.720000000000")), "59950.72"),
        (for_reading(Decimal("60004.064349910531")), "60004.0643"),
        (for_reading(Decimal("-0.09870659675604")), "-0.0987066"),
        (for_reading(Decimal("0.000012345678")), "0.0000123457"),
        (for_reading(Decimal(0)), "0"),
        (for_reading(None), "–"),
        (percent(Decimal("0.99999")), "99.9 %"),
        (span(timedelta(seconds=3723)), "1:02:03"),
        (span(timedelta(seconds=65)), "1:05"),
        (span(timedelta(seconds=2.5)), "2.5 s"),
        (span(timedelta(seconds=-5)), "0 s"),
    ],
)
def test_figures(drawn: str, expected: str) -> None:
    assert drawn == expected


ESTIMATE = {
    "filled_quantity": "0.4",
    "unfilled_quantity": "0.1",
    "average_price": "61900.123456",
    "spread": "0.002",
    "depth": "25",
    "fees": "24.76",
    "total": "49.762",
    "total_bps": "20.1185",
    "stopped_by": "depth_exhausted",
}


def test_a_preview_names_the_failing_rule_of_each_exchange() -> None:
    rule = {"yours": "60 s", "limit": "at least 300 s", "source": "manual", "url": "u", "as_of": "2026-06-30"}
    checks = [
        {
            "exchange": "binance",
            "market": "spot",
            "verdict": "refused",
            "rules": [
                rule | {"rule": "duration", "ok": False, "message": "duration: 60 s, must be at least 300 s"},
                rule | {"rule": "interval", "ok": None, "message": "interval: not said"},
            ],
        },
        {
            "exchange": "okx",
            "market": "spot",
            "verdict": "unknown",
            "rules": [rule | {"rule": "interval", "ok": None, "message": "interval: bounds not stated"}],
        },
        {
            "exchange": "kraken",
            "market": "spot",
            "verdict": "accepted",
            "rules": [rule | {"rule": "interval", "ok": True, "message": "interval: chosen by Kraken"}],
        },
    ]
    cost = {
        "mid": "61837.635",
        "touch": "61837.64",
        "book_status": "live",
        "book_age_ms": 120,
        "slices": ESTIMATE,
        "sweep": ESTIMATE,
    }
    seen = text(preview_view(preview(go_live=checks, expected_cost=cost, warnings=["merged"])), 160)
    assert "✗ refused" in seen and "must be at least 300 s [2026-06-30]" in seen
    assert "not said" not in seen, "a rule that fails is more than one that is not known"
    assert "? unknown" in seen and "bounds not stated" in seen
    assert "✓ accepted" in seen and "every rule checked" in seen and "chosen by Kraken" in seen
    assert "49.7620" in seen and "20.12" in seen and "0.1 stay unfilled" in seen
    assert "note merged" in seen


def test_in_brief_an_exchange_is_one_line_with_the_rules_in_its_way() -> None:
    rule = {"yours": "60 s", "limit": "at least 300 s", "source": "manual", "url": "u", "as_of": "2026-06-30"}
    failing = [rule | {"rule": name, "ok": False, "message": "no"} for name in ("duration", "interval")]
    checks = [{"exchange": "okx", "market": "spot", "verdict": "refused", "rules": failing}]
    seen = text(preview_view(preview(go_live=checks, slices=4), go_live=False), 60).splitlines()
    assert [line.split() for line in seen if "okx" in line] == [
        ["okx", "spot", "✗", "refused", "duration,", "interval"]
    ]
    order_of = [line for line in seen if line in ("expected cost now", "plan")]
    assert order_of == ["expected cost now", "plan"]


def test_a_report_of_nothing_says_why_and_draws_no_gain() -> None:
    cost = {"amount": "-1.68", "bps": "-1.68"}
    told = {"token_id": "o-1", "status": "Expired", "exchange": "binance", "quantity": 1, "fills": 0}
    why = "Nothing was filled: limit_not_met in 5 of 5 slices."
    costs = {
        name: {"amount": 0, "bps": 0} for name in ("delay", "timing", "spread", "latency", "depth", "fees")
    }
    costs |= {"opportunity": cost, "implementation_shortfall": cost}
    made = ExecutionReport.model_validate(told | {"costs": costs, "notes": [why, "another"]})
    lines = text(report_view(made), 100).splitlines()
    assert lines[1].rstrip() == why == lines[-1].rstrip() and "".join(lines).count("Nothing was filled") == 2
    assert not any("▒" in line or "█" in line for line in lines)
    assert any(line.startswith("note another") for line in lines)


@pytest.mark.parametrize(
    ("value", "written"), [("-0.004", "0.00"), ("0.125", "0.12"), ("0.135", "0.14"), ("-2.105", "-2.10")]
)
def test_one_rounding_rule(value: str, written: str) -> None:
    assert rounded(Decimal(value), 2) == written


def test_beside_strategies_stands_what_volume_and_volatility_say() -> None:
    known = {"share_percent": Decimal("0.25"), "day_volume": Decimal(18_000), "volatility": Decimal("2.2")}
    compared = {"strategies": [StrategyComparison(strategy="twap")]}
    made = ImpactForecast(**known, temporary_bps=Decimal("3.1"))
    seen = " ".join(text(preview_view(preview(**compared, impact_forecast=made)), 80).split())
    assert "0.250 % of a day's volume (18000) at 2.20 % a day: 3.10 bps while it trades" in seen
    assert "give --supply" in seen
    made = ImpactForecast(
        **known, temporary_bps=Decimal("3.1"), lasting_bps=Decimal(1), cost_bps=Decimal("3.6")
    )
    seen = text(preview_view(preview(**compared, impact_forecast=made)), 160)
    assert "3.10 bps while it trades, 1.00 bps that last; 3.60 bps in all" in seen
    assert "no closed candles" in text(preview_view(preview(**compared)), 80)


def test_a_long_preview_shows_first_and_last_slices_and_no_cost_says_why() -> None:
    seen = text(preview_view(preview(slices=720, duration="1h", cost_reason="no live book")))
    assert "720 slices" in seen and "none: no live book" in seen
    lines = [line.split()[0] for line in seen.splitlines() if line[:1].isdigit() or line.startswith("…")]
    assert lines[-8:] == ["1", "2", "3", "4", "5", "…", "719", "720"]


def to_come(like: Slice, count: int) -> list[Slice]:
    pending = {"outcome": SliceOutcome.PENDING, "filled_quantity": Decimal(0), "average_price": None}
    return [like.model_copy(update=pending | {"index": 10 + number}) for number in range(count)]


def amended(before: TwapOrderDetail, **fields: object) -> OrderEvent:
    after = order(before.token_id, revision=before.revision + 1, **fields)
    return OrderEvent(
        seq=9,
        event="amended",
        token_id=before.token_id,
        time=NOON,
        order=TwapOrder.model_validate(after.model_dump()),
    )


def test_an_amendment_drops_the_slices_of_the_plan_before() -> None:
    ended = working().slices
    later = to_come(ended[0], 2)
    before = order("o-1", slices=[*ended, *later])
    same = merged(
        before,
        amended(before, quantity=2).model_copy(
            update={"order": TwapOrder.model_validate(before.model_dump())}
        ),
    )
    assert same.slices == before.slices
    after = merged(before, amended(before, quantity=2, slices=30))
    assert (after.slices, after.quantity, after.revision, after.slice_count) == (ended, 2, 2, 30)


def test_a_paused_and_amended_order_says_so() -> None:
    shown = text(render.watch_screen(book(), order("o-1", status="Paused", revision=3), NOON))
    assert "● Paused" in shown and "`twap resume o-1`" in shown
    assert "revision" in shown and "revision" not in text(render.watch_screen(book(), order(), NOON))
    line = render.event_line(amended(order("o-1"), quantity=2, price=None))
    assert (
        line == "12:00:00 o-1 amended: 2 until 12:01:00 in 12 slices, no limit, revision 2 [Accepted 0.0 %]"
    )


def test_the_last_slices_are_shown_however_many_are_to_come() -> None:
    detail = working()
    later = to_come(detail.slices[0], 700)
    shown = text(render.order_panel(detail.model_copy(update={"slices": [*detail.slices, *later]}), NOON))
    assert "limit_not_met" in shown


@pytest.mark.parametrize("reason", ["participation_cap", "paused", "depth_exhausted"])
def test_reasons_are_whole_beside_a_book(reason: str) -> None:
    detail = working()
    missed = detail.slices[9].model_copy(update={"reason": reason, "index": 112})
    shown = text(
        render.watch_screen(book(), detail.model_copy(update={"slices": [*detail.slices, missed]}), NOON)
    )
    assert reason in shown, shown


def test_fills_name_their_exchanges() -> None:
    detail = working()
    fills = [detail.fills[0], detail.fills[1].model_copy(update={"exchange": "kraken"})]
    shown = text(render.order_panel(detail.model_copy(update={"fills": fills}), NOON), 70)
    assert "binance" in shown and "kraken" in shown


def test_why_an_order_ended_is_said_in_words() -> None:
    line = text(render.order_line(order("o-1", status="Canceled", reason="canceled_by_user")))
    assert "(canceled by user)" in line


def test_a_merged_book_names_the_exchanges_behind_its_levels() -> None:
    names = {"bids": [["kraken"], ["binance", "kraken"]], "asks": [["bybit"]]}
    whole = book("aggregate:BTC-USDT", sources=names, missing=["okx"])
    seen = text(render.book_panel(whole, NOON), 80)
    assert "these levels are of binance, bybit, kraken" in seen and "without okx" in seen
    assert "these levels" not in text(render.book_panel(book(), NOON), 80)
