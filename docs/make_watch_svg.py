"""Draw ``docs/images/watch.svg``: the view of ``twap watch``, from example models. Needs no server.

Run it from the project's folder after a change of the view: ``python docs/make_watch_svg.py``.
"""

import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from twap_client.cli.render import watch_screen
from twap_models import BookMessage, ExecutionReport, Fill, Slice, TwapOrderDetail

NOW = datetime(2026, 11, 23, 12, 4, 36, tzinfo=UTC)
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SLICE = Decimal("0.0125")
PICTURE = Path(__file__).parent / "images" / "watch.svg"


def main() -> None:
    """Write the picture."""
    console = Console(width=126, record=True, file=io.StringIO(), force_terminal=True)
    console.print(watch_screen(_book(), _order(), NOW))
    # Rich's frame names fonts on another host; ours uses what the reader has.
    frame = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    drawn = console.export_svg(title="twap watch first-order", code_format=frame, unique_id="watch")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text("\n".join(line.rstrip() for line in drawn.splitlines()) + "\n", encoding="utf-8")


def _book() -> BookMessage:
    sizes = [Decimal(text) for text in "0.412 1.25 0.08 0.9 2.04 0.333 0.75 1.6 0.21 3.1".split()]
    best_bid, best_ask, tick = Decimal("61837.62"), Decimal("61837.63"), Decimal("0.41")
    return BookMessage(
        exchange="binance",
        symbol="BTCUSDT",
        instrument="BTC-USDT",
        bids=[(best_bid - tick * n, size) for n, size in enumerate(sizes)],
        asks=[(best_ask + tick * n, size) for n, size in enumerate(reversed(sizes))],
        ts_exchange=NOW - timedelta(milliseconds=120),
        ts_received=NOW - timedelta(milliseconds=80),
        ts_sent=NOW,
        seq=40_912,
        status="live",
        age_ms=80,
    )


def _order() -> TwapOrderDetail:
    slices = [_slice(index) for index in range(40)]
    fills = [_fill(item) for item in slices if item.filled_quantity]
    filled = sum((fill.quantity for fill in fills), Decimal(0))
    average = sum((fill.quantity * fill.price for fill in fills), Decimal(0)) / filled
    return TwapOrderDetail(
        token_id="first-order",
        symbol="BTCUSDT",
        side="buy",
        quantity="0.5",
        limit_price="61850",
        status="Working",
        creation_time=START,
        instrument="BTC-USDT",
        exchange="binance",
        order_id="0b9d2c",
        start_time=START,
        end_time=START + timedelta(minutes=10),
        interval=timedelta(seconds=15),
        slice_count=40,
        filled_quantity=filled,
        remaining_quantity=Decimal("0.5") - filled,
        average_price=average.quantize(Decimal("1e-12")),
        fill_state="partial",
        slices=slices,
        fills=fills,
        report=ExecutionReport(
            average_price=average.quantize(Decimal("1e-12")),
            arrival_price="61835.2",
            arrival_slippage_bps="0.6207",
            notional=filled * average,
            fills=len(fills),
            slices_by_reason={"limit_not_met": 1},
        ),
    )


def _slice(index: int) -> Slice:
    pending, missed = index > 18, index == 15
    outcome = "pending" if pending else "missed" if missed else "filled"
    wanted = SLICE * 2 if index == 16 else SLICE
    return Slice(
        index=index,
        due_time=START + timedelta(seconds=15 * index),
        outcome=outcome,
        reason="limit_not_met" if missed else None,
        wanted_quantity=wanted,
        filled_quantity=wanted if outcome == "filled" else 0,
        average_price=_price(index) if outcome == "filled" else None,
    )


def _fill(item: Slice) -> Fill:
    return Fill(
        fill_id=f"0b9d2c-{item.index}-0",
        slice=item.index,
        time=item.due_time + timedelta(milliseconds=3),
        exchange="binance",
        price=item.average_price,
        quantity=item.filled_quantity,
        fee=0,
    )


def _price(index: int) -> Decimal:
    return Decimal("61837.63") + Decimal((index * 37) % 11 - 5) / 4


if __name__ == "__main__":
    main()
