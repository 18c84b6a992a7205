"""Candles as a terminal shows them."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from twap_client.cli.candle_chart import HEIGHT, CandleChart
from twap_models import Candle

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
prices = st.decimals("0.00000001", "99999", places=8)


def candle(place: int, prices: str, volume: str = "1", *, closed: bool = True) -> Candle:
    """Args: prices: open, high, low and close."""
    opens, high, low, close = map(Decimal, prices.split())
    return Candle(
        open_time=BEGIN + timedelta(minutes=place),
        close_time=BEGIN + timedelta(minutes=place + 1),
        open=opens,
        high=high,
        low=low,
        close=close,
        volume=Decimal(volume),
        closed=closed,
    )


def drawn(candles: list[Candle], *, width: int = 80, height: int = HEIGHT) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(CandleChart("x", candles, height=height))
    return out.getvalue().splitlines()


def rows_of(shown: list[str], height: int = HEIGHT) -> list[str]:
    """The rows of prices: behind the title, where it takes one line."""
    return shown[1 : height + 1]


def test_bodies_wicks_prices_and_volumes() -> None:
    rose, fell = candle(0, "1 5 1 3", "8"), candle(1, "3 4 0 1", closed=False)
    shown = drawn([rose, fell], height=5)
    assert shown[0] == "x, 2026-01-01 12:00:00 to 2026-01-01 12:01:00 UTC"
    assert shown[1:7] == ["│  5", "││", "█░", "█░", "█░ 1", "█▂ 8"]
    assert shown[7].endswith("the newest is still forming")


def test_only_what_fits_is_drawn_and_it_is_the_newest() -> None:
    shown = drawn([candle(place, "1 2 1 2") for place in range(300)], width=80)
    assert max(map(len, rows_of(shown))) == 80
    assert shown[0].endswith("to 2026-01-01 16:59:00 UTC")


@given(st.lists(st.tuples(prices, prices, prices, prices), min_size=1, max_size=60))
def test_every_candle_has_its_column_whatever_its_figures(rows: list[tuple[Decimal, ...]]) -> None:
    candles = [
        candle(place, f"{a} {max(a, b, c)} {min(a, b, c)} {c}", str(volume))
        for place, (a, b, c, volume) in enumerate(rows)
    ]
    shown = rows_of(drawn(candles, width=120))
    for place, one in enumerate(candles):
        column = "".join(row[place] for row in shown if len(row) > place).strip()
        assert set(column) <= set("█│" if one.close >= one.open else "░│")
        assert column.count("█") + column.count("░") >= 1


def test_one_price_and_no_volume() -> None:
    shown = drawn([candle(0, "7 7 7 7", "0")])
    assert [row for row in rows_of(shown) if row.strip()] == ["█ 7"]
