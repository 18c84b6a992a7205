"""twap doctor: each part of the way to the server, what to do about it, and the exit code."""

from datetime import UTC, datetime, timedelta

import pytest

from support.client import Twap
from twap_client.cli import doctor
from twap_client.testing import Reply, ScriptedServer, exchange
from twap_models import BookHealth, ServerInfo, exact_json


def info(**fields: object) -> ServerInfo:
    # The command compares this with the clock of the machine that it runs on.
    now = datetime.now(UTC)
    known = {"name": "twap-server", "version": "0.1.0", "time": now, "market": "demo", "registration": "open"}
    return ServerInfo.model_validate(known | fields)


def health(status: str, symbol: str = "BTC-USDT", reason: str = "") -> BookHealth:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    known = {
        "exchange": "kraken", "symbol": symbol, "status": status, "reason": reason, "since": now,
        "integrity": "checksum", "changes": 1, "resyncs": 0, "reconnects": 0,
    }  # fmt: skip
    return BookHealth.model_validate(known)


@pytest.fixture
def told(server: ScriptedServer) -> ScriptedServer:
    """A server that is well."""
    server.exchanges = [exchange()]
    server.script("GET", "/server", Reply(body=info().to_wire()))
    server.script("GET", "/exchanges/binance/books", Reply(body=[]))
    return server


async def test_all_is_well(signed_in: Twap, told: ScriptedServer) -> None:
    done = await signed_in("doctor")
    assert (done.code, done.err) == (0, ""), done
    lines = done.out.splitlines()
    assert [text.split()[1] for text in lines] == [
        "server", "version", "clock", "sign-in", "feed", "exchanges", "books",
    ]  # fmt: skip
    assert all(text.startswith("✓") for text in lines) and "as ada" in lines[3]


async def test_nobody_is_signed_in(twap: Twap, told: ScriptedServer) -> None:
    done = await twap("doctor", "--json")
    found = {item["check"]: item for item in exact_json.loads(done.out)}
    assert done.code == 6
    assert (found["sign-in"]["level"], found["sign-in"]["advice"]) == ("fault", "sign in with `twap login`")
    assert found["feed"]["level"] == "unknown" and found["exchanges"]["level"] == "ok"


async def test_nothing_listens(twap: Twap) -> None:
    done = await twap("--server", "127.0.0.1:1", "doctor")
    assert done.code == 6 and "nothing listens there" in done.out and "`twap-server start`" in done.out


async def test_something_else_answers(twap: Twap, server: ScriptedServer) -> None:
    server.script("GET", "/server", Reply(status=404, body={"not": "ours"}))
    done = await twap("doctor")
    assert done.code == 6 and "is the address right?" in done.out


async def test_an_exchange_that_is_down_is_a_fault(signed_in: Twap, told: ScriptedServer) -> None:
    told.exchanges = [exchange(), exchange("kraken", status="down", reason="refused")]
    told.script("GET", "/exchanges/kraken/books", Reply(body=[health("stale").to_wire()]))
    done = await signed_in("doctor")
    assert done.code == 1
    assert (
        "✗ exchanges  kraken down: refused" in done.out and "! books      kraken BTC-USDT stale" in done.out
    )


@pytest.mark.parametrize(
    ("ahead", "unsure", "level"),
    [(1.9, 0, "ok"), (-1.9, 0, "ok"), (2.1, 0, "fault"), (-60, 0, "fault"), (3, 2, "ok")],
)
def test_two_clocks(ahead: float, unsure: float, level: str) -> None:
    found = doctor.of_clock(timedelta(seconds=ahead), unsure=timedelta(seconds=unsure))
    assert found.level == level and bool(found.advice) is (level == "fault")
    assert ("behind" in found.words) is (ahead < 0)


@pytest.mark.parametrize(("theirs", "level"), [("0.1.9", "ok"), ("0.2.0", "note"), ("1.1.0", "note")])
def test_two_versions(theirs: str, level: str) -> None:
    assert doctor.of_version(info(version=theirs), "0.1.0").level == level


def test_exchanges_and_books_are_named() -> None:
    assert doctor.of_exchanges([]).level == "fault"
    assert doctor.of_exchanges([exchange(status="idle")]).level == "ok"
    assert doctor.of_books([]).level == "ok"
    many = doctor.of_books(
        [health("live"), *(health("down", f"S{number}-USDT", "gone") for number in range(5))]
    )
    assert many.words == (
        "kraken S0-USDT down: gone; kraken S1-USDT down: gone; kraken S2-USDT down: gone and 2 more"
    )
