"""A time without its zone: refused by the library, local and told on the command line."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from support.client import SUBMIT, Twap
from twap_client import NaiveTime, TwapClient, TwapClientError
from twap_client.testing import ScriptedServer, order

NAIVE = datetime(2026, 11, 29, 10)
FIELDS: dict[str, Any] = {"exchange": "binance", "symbol": "BTC-USDT", "quantity": 1, "slices": 6}


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("naive", [NAIVE, "2026-11-29T10:00", "2026-11-29 10:00:00.5", "2026-11-29"])
async def test_the_library_takes_no_time_without_a_zone(
    server: ScriptedServer, client: TwapClient, naive: datetime | str
) -> None:
    calls = (
        client.orders.submit(**FIELDS, start_time=naive, duration="6h"),
        client.orders.submit(**FIELDS, end_time=naive),
        client.orders.preview(**FIELDS, start_time=naive, duration="6h"),
        client.orders.amend("o-1", end_time=naive),
        client.market.klines("binance", "BTC-USDT", start_time=naive),
        client.market.klines("binance", "BTC-USDT", end_time=naive),
    )
    for call in calls:
        with pytest.raises(
            NaiveTime, match=r"_time: 2026-.* has no zone: write datetime\.now\(timezone.utc\)"
        ):
            await call
    assert server.requests == []
    assert issubclass(NaiveTime, ValueError) and issubclass(NaiveTime, TwapClientError)


async def test_a_time_with_its_zone_is_sent_as_it_is(server: ScriptedServer, client: TwapClient) -> None:
    aware = NAIVE.replace(tzinfo=UTC)
    for start in (aware, "2026-11-29T11:00+01:00"):
        await client.orders.submit(**FIELDS, start_time=start, duration="6h")
        assert server.requests[-1].json["start_time"] == "2026-11-29T10:00:00.000000Z"
    await client.market.klines("binance", "BTC-USDT", start_time=aware, end_time="2026-11-29T11:00Z")
    assert server.requests[-1].query == {
        "interval": "1m",
        "start_time": "2026-11-29T10:00:00.000000Z",
        "end_time": "2026-11-29T11:00Z",
    }


@pytest.mark.usefixtures("new_york")
async def test_the_command_line_reads_local_time_and_says_so(signed_in: Twap, server: ScriptedServer) -> None:
    made = await signed_in(*SUBMIT, "--start", "2026-11-29T10:00", "--yes", "--json")
    assert made.err.startswith("--start 2026-11-29T10:00 is local time: 2026-11-29T10:00:00-05:00 (EST)\n")
    assert server.requests[-1].json["start_time"] == "2026-11-29T15:00:00.000000Z"
    server.orders["o-1"] = order("o-1")
    changed = await signed_in("amend", "o-1", "--end", "2026-07-01 10:00")
    assert changed.err == "--end 2026-07-01 10:00 is local time: 2026-07-01T10:00:00-04:00 (EDT)\n"
    assert server.requests[-1].json == {"end_time": "2026-07-01T14:00:00.000000Z"}


@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize("start", ["now", "+15m", "2026-11-29T10:00Z", "2026-11-29T10:00+01:00"])
async def test_a_time_with_its_zone_is_no_local_time(
    signed_in: Twap, server: ScriptedServer, start: str
) -> None:
    assert "local time" not in (await signed_in(*SUBMIT, "--start", start, "--yes")).err
    assert not server.requests[-1].json["start_time"].startswith("2026-11-29T15")


@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("2026-03-08T02:30", "there is no 2026-03-08T02:30:00 here, clocks go forward: add an offset"),
        ("2026-11-01T01:30", "write 2026-11-01T01:30:00-04:00 or 2026-11-01T01:30:00-05:00"),
        ("0001-01-01", "0001-01-01T00:00:00 is too far away for a clock"),
    ],
)
async def test_a_time_that_the_wall_clock_shows_twice_or_never_is_refused(
    signed_in: Twap, start: str, said: str
) -> None:
    wrong = await signed_in(*SUBMIT, "--start", start, "--yes")
    assert (wrong.code, wrong.out) == (2, "")
    assert said in wrong.err and wrong.err.count("\n") == 1
