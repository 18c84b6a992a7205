"""CSV of what is listed: every field, exact, parts under their names, and no formula for a spreadsheet."""

import csv
import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest

from support.client import Twap
from twap_client.cli.csv_rows import cell
from twap_client.testing import Reply, ScriptedServer, book, candle, exchange, instrument, order
from twap_client.testing.examples import NOON
from twap_models import Slice, SliceOutcome


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "true"),
        (7, "7"),
        (Decimal("1.500"), "1.5"),
        (Decimal("1E-12"), "0.000000000001"),
        (NOON, "2026-01-01T12:00:00.000000Z"),
        (["1m", "5m"], "1m 5m"),
        ([[1, 2]], "[[1,2]]"),
        ("=cmd", "'=cmd"),
    ],
)
def test_cells(value: object, written: str) -> None:
    assert cell(value) == written


NOON_TEXT = "2026-01-01T12:00:00Z"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


async def test_every_list_is_csv_json_or_a_table(signed_in: Twap, server: ScriptedServer) -> None:
    server.exchanges, server.instruments, server.candles = [exchange()], [instrument()], [candle(0)]
    server.books["binance:BTC-USDT"] = book()
    server.push_event("accepted", order("o-1", quantity="123456789012.123456789012"))
    for args, name, expected in (
        (["exchanges"], "name", "binance"),
        (["symbols", "binance"], "symbol", "BTC-USDT"),
        (["klines", "binance", "BTC-USDT"], "open_time", "2026-01-01T12:00:00.000000Z"),
        (["book", "binance", "BTC-USDT"], "price", "61837.63"),
        (["orders"], "quantity", "123456789012.123456789012"),
        (["events", "o-1"], "order.quantity", "123456789012.123456789012"),
    ):
        shown = await signed_in(*args, "--output", "csv")
        assert shown.code == 0, shown.err
        assert rows(shown.out)[0][name] == expected
        as_json = await signed_in(*args, "-o", "json")
        assert as_json.out == (await signed_in(*args, "--json")).out
        assert as_json.out.startswith(("[", "{"))


async def test_a_slice_of_an_order_is_a_row_however_many_there_are(
    signed_in: Twap, server: ScriptedServer
) -> None:
    slices = [
        Slice(
            index=index, due_time=NOON, outcome=SliceOutcome.FILLED, wanted_quantity=Decimal("0.01"),
            filled_quantity=Decimal("0.01"),
        )
        for index in range(300)
    ]  # fmt: skip
    server.orders["o-1"] = order("o-1", slice_count=300, slices=slices)
    shown = await signed_in("order", "o-1", "-o", "csv")
    assert [row["index"] for row in rows(shown.out)] == [str(number) for number in range(300)]


async def test_invites_are_rows_too(signed_in: Twap, server: ScriptedServer) -> None:
    made = {"invite_id": "i-1", "created": NOON_TEXT, "expires": NOON_TEXT, "note": "=for bob"}
    server.script("GET", "/auth/invites", *[Reply(body=[made])] * 3)
    (row,) = rows((await signed_in("invites", "-o", "csv")).out)
    assert (row["invite_id"], row["note"]) == ("i-1", "'=for bob")
    assert json.loads((await signed_in("invites", "-o", "json")).out)[0]["invite_id"] == "i-1"
    assert "i-1" in (await signed_in("invites", "-o", "table")).out


async def test_fills_of_nothing_have_the_names_of_their_columns(signed_in: Twap) -> None:
    assert (await signed_in("fills", "-o", "csv")).out.startswith("token_id,instrument,side,")


async def test_two_formats_at_once_are_refused(signed_in: Twap) -> None:
    refused = await signed_in("orders", "--json", "--output", "csv")
    assert refused.code == 2 and "--json is --output json" in refused.err


async def test_times_from_now_on_demand(signed_in: Twap, server: ScriptedServer) -> None:
    server.push_event("accepted", order("o-1", end_time=NOON + timedelta(days=1)))
    assert " ago)" in (await signed_in("orders", "--relative")).out
    assert " ago)" in (await signed_in("events", "o-1", "--relative")).out
    assert " ago)" not in (await signed_in("orders")).out
