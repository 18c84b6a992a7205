"""Orders of many slices: read in pages by the library, shown by their ends, their fills written as CSV."""

import asyncio
import csv
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.records import by_hand
from twap_client import NotFound, TwapClient
from twap_client.cli.app import app
from twap_client.testing import ScriptedServer, order
from twap_client.testing.examples import NOON
from twap_models import Fill, Slice, SliceOutcome, TwapOrderDetail, exact_json
from twap_server.api.wire import present
from twap_server.reports.csv_text import table_csv

Twap = Callable[..., Awaitable[tuple[int, bytes, str]]]


def slices(count: int, ended: int) -> list[Slice]:
    one = Slice(index=0, due_time=NOON, outcome="missed", wanted_quantity="0.1", filled_quantity=0)
    return [
        one.model_copy(
            update={
                "index": index,
                "due_time": NOON + timedelta(seconds=index),
                "outcome": SliceOutcome.MISSED if index < ended else SliceOutcome.PENDING,
            }
        )
        for index in range(count)
    ]


def fills(count: int) -> list[Fill]:
    fields = {
        "time": NOON,
        "exchange": "binance",
        "price": "61837.64",
        "quantity": "0.001",
        "fee": "0.06183764",
    }
    return [Fill(fill_id=f"f-{number}", slice=number, **fields) for number in range(count)]


def long_order(
    token_id: str = "o-1", *, count: int = 2_345, ended: int = 1_700, filled: int = 1_200
) -> TwapOrderDetail:
    made = order(token_id, status="Working", slices=count, duration="1h", filled_quantity="0.4")
    return made.model_copy(update={"slices": slices(count, ended), "fills": fills(filled)})


@pytest.fixture
def twap(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twap:
    monkeypatch.setenv("TWAP_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("TWAP_SERVER_URL", server.url)
    monkeypatch.setenv("TWAP_API_KEY", "key")
    server._access["key"] = "ada"

    async def run(*args: str) -> tuple[int, bytes, str]:
        done = await asyncio.to_thread(CliRunner().invoke, app, list(args))
        assert "Traceback" not in done.output
        return done.exit_code, done.stdout_bytes, done.stderr

    return run


# The library


async def test_all_slices_and_fills_come_page_by_page(server: ScriptedServer, client: TwapClient) -> None:
    made = server.orders["o-1"] = long_order()
    assert [item async for item in client.orders.slices("o-1")] == made.slices
    assert [item async for item in client.orders.fills("o-1")] == made.fills
    asked = [request.query for request in server.requests if request.path == "/orders/o-1"]
    assert [(one["slices"], one["fills"]) for one in asked] == [("500", "0")] * 5 + [("0", "500")] * 3
    with pytest.raises(NotFound):
        _ = [item async for item in client.orders.slices("o-2")]


async def test_an_order_with_as_much_as_is_wanted(server: ScriptedServer, client: TwapClient) -> None:
    made = server.orders["o-1"] = long_order()
    first = await client.orders.get("o-1", slices=3, fills=2)
    assert (first.slices, first.fills) == (made.slices[:3], made.fills[:2])
    last = await client.orders.get("o-1", slices=3, fills=2, latest=True)
    assert ([item.index for item in last.slices], last.fills) == ([1697, 1698, 1699], made.fills[-2:])
    bare = await client.orders.get("o-1", slices=0, fills=0)
    assert (bare.slices, bare.fills, bare.slice_count) == ([], [], 2_345)
    assert await client.orders.get("o-1") == made


# The command line


async def test_a_long_order_is_shown_by_its_ends(server: ScriptedServer, twap: Twap) -> None:
    server.orders["o-1"] = long_order()
    code, out, said = await twap("order", "o-1")
    rows = [line.split("\t") for line in out.decode().splitlines()]
    shown = [row[0] for row in rows if row[-2:] == ["0 / 0.1", ""]]
    assert code == 0 and shown == ["1", "2", "3", "4", "5", "1696", "1697", "1698", "1699", "1700"]
    begins = [row[:2] for row in rows]
    assert ["…", "1,690 more"] in begins and ["… 645 to come"] in begins
    told = [row[0] for row in rows if row[-1] == "0.06183764"]
    assert told == ["1", "2", "3", "4", "5", "1196", "1197", "1198", "1199", "1200"]
    assert ["…", "more"] in begins
    assert said == "all of it: `twap order o-1 --all`\nas CSV: `twap report o-1 --fills FILE`\n"
    assert sum(len(request.query) > 0 for request in server.requests) == 2, "no more was asked for"


async def test_few_slices_are_shown_whole(server: ScriptedServer, twap: Twap) -> None:
    for count in (1, 20):
        server.orders["o-1"] = long_order(count=count, ended=count, filled=min(count, 19))
        _, out, said = await twap("order", "o-1")
        assert (out.count(b"missed"), said) == (count, "") and "…" not in out.decode()


@pytest.mark.parametrize("ended", [0, 3, 5, 6, 12])
async def test_the_ends_may_meet(server: ScriptedServer, twap: Twap, ended: int) -> None:
    server.orders["o-1"] = long_order(count=21, ended=ended, filled=0)
    _, out, _ = await twap("order", "o-1")
    shown = [line.split()[0] for line in out.decode().splitlines() if "0 / 0.1" in line]
    assert shown == [str(index + 1) for index in range(21) if index < 5 or ended - 5 <= index < ended]


async def test_all_of_it_where_it_is_wanted(server: ScriptedServer, twap: Twap) -> None:
    made = server.orders["o-1"] = long_order(count=40, ended=30, filled=25)
    _, out, said = await twap("order", "o-1", "--all")
    assert (out.count(b"missed"), out.count(b"0.06183764"), said) == (30, 25, "")
    _, out, said = await twap("order", "o-1", "--json")
    assert TwapOrderDetail.from_json(out) == made and said == ""


async def test_fills_of_many_orders_as_csv(server: ScriptedServer, twap: Twap) -> None:
    server.orders = {
        "o-1": long_order("o-1", count=3, ended=3, filled=1_100),
        "none": order("none"),
        "-2": order("-2", status="Filled", filled_quantity=1, side="sell", instrument="币安-USDT").model_copy(
            update={"fills": fills(1)}
        ),
    }
    code, out, said = await twap("fills", "--csv")
    rows = list(csv.DictReader(StringIO(out.decode("utf-8"))))
    assert (code, said, len(rows)) == (0, "", 1_101)
    assert [row["fill_id"] for row in rows[:1_100]] == [f"f-{number}" for number in range(1_100)]
    assert rows[0]["notional"] == "61.83764" and rows[0]["fee_currency"] == "USDT"
    assert (rows[-1]["token_id"], rows[-1]["instrument"], rows[-1]["side"]) == ("'-2", "币安-USDT", "sell")
    assert not any(request.path == "/orders/none" for request in server.requests)
    _, out, _ = await twap("fills", "--csv", "--limit", "1", "--status", "open")
    assert out.count(b"\n") == 1_101
    assert server.requests[-1].path == "/orders/o-1"


async def test_the_csv_is_the_servers_own(server: ScriptedServer, twap: Twap) -> None:
    """Column for column and digit for digit; the server's has two more, of the books."""
    record = by_hand()
    made = present.order(record.order)
    told = [present.fill(one) for one in record.fills]
    server.orders["t-1"] = TwapOrderDetail(**(dict(made) | {"fills": told}))
    _, out, _ = await twap("fills", "t-1", "--csv")
    of_server = list(csv.reader(StringIO(table_csv(record, "fills"))))
    assert list(csv.reader(StringIO(out.decode()))) == [row[:-2] for row in of_server]


async def test_fills_in_json_are_one_a_line_and_exact(server: ScriptedServer, twap: Twap) -> None:
    price, quantity = "123456789012345678.901234567891", "0.123456789012345678"
    exact = fills(1)[0].model_copy(update={"price": Decimal(price), "quantity": Decimal(quantity)})
    server.orders["o-1"] = long_order(count=1, ended=1, filled=2).model_copy(update={"fills": [exact, exact]})
    _, out, _ = await twap("fills", "--json")
    first, second = (exact_json.loads(line, exact_json.TOLD) for line in out.splitlines())
    assert first == second and (first["token_id"], first["side"]) == ("o-1", "buy")
    assert first["notional"] == Decimal("15241578753238836.639231825664031397776651425098")
    assert (await twap("fills", "o-9"))[0] == 1
    _, out, _ = await twap("fills")
    assert out.count(quantity.encode()) == 2
