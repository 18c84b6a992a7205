"""The live table of orders: whole at every width, and how long each still takes."""

from datetime import timedelta

import pytest

from support.client import drawn
from twap_client.cli.orders_screen import KEYS, orders_screen, time_left
from twap_client.testing import order
from twap_client.testing.examples import NOON

UUID = "2b420b08-a601-472d-beee-95cfa3c878ad"
LONG_NUMBER = "123456789012.123456789012"


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_nothing_is_cut(width: int) -> None:
    orders = [order(UUID, status="Working", quantity=LONG_NUMBER), order("o-2", status="Paused", side="sell")]
    lines = drawn(orders_screen(orders, UUID, NOON), width)
    whole = "\n".join(lines)
    for part in (UUID, LONG_NUMBER, "● Working", "● Paused", "sell", "1:00 left"):
        assert part in whole
    assert [line[:2] for line in lines if "●" in line] == ["› ", "  "]


@pytest.mark.parametrize(
    ("status", "at", "said"),
    [
        ("Accepted", timedelta(minutes=-4, milliseconds=-700), "starts in 4:00"),
        ("Working", timedelta(seconds=20), "40 s left"),
        ("Working", timedelta(minutes=2), "0 s left"),
        ("Filled", timedelta(0), "ended"),
    ],
)
def test_how_long_it_still_takes(status: str, at: timedelta, said: str) -> None:
    assert time_left(order(status=status), NOON + at) == said


def test_without_orders_it_says_so_and_a_question_stands_in_place_of_the_keys() -> None:
    assert "no open orders" in drawn(orders_screen([], "", NOON), 80)[0]
    assert KEYS in "\n".join(drawn(orders_screen([order()], "o-1", NOON), 80))
    assert "cancel o-1?" in "\n".join(drawn(orders_screen([order()], "o-1", NOON, "cancel o-1?"), 80))
