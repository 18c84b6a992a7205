"""Completion knows exchanges, symbols, own open orders, tournaments, profiles; silent whatever goes wrong."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.client import Twap
from twap_client.cli import completion
from twap_client.cli.app import app
from twap_client.testing import Reply, ScriptedServer, exchange, instrument, order
from twap_client.testing.examples import NOON
from twap_models import ListedTournament

Complete = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def asked(server: ScriptedServer, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """What bash sets to ask what fits the last word."""
    server.exchanges = [exchange(), exchange("kraken")]
    server.instruments = [instrument("BTC-USDT"), instrument("BTC-USDC"), instrument("ETH-USDT")]
    return lambda line: {
        "TWAP_SERVER_URL": server.url,
        "TWAP_CONFIG_DIR": str(tmp_path / "config"),
        "_TWAP_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }


@pytest.fixture
def complete(asked: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Complete:
    """Ask as bash does, in this process; and wait for the server as long as a busy machine takes."""
    monkeypatch.setattr(completion, "_CONNECT_S", 30)
    monkeypatch.setattr(completion, "_ANSWER_S", 30)

    async def ask(line: str, **variables: str) -> list[str]:
        environ = asked(line) | variables
        done = await asyncio.to_thread(CliRunner().invoke, app, [], env=environ, prog_name="twap")
        assert done.stderr == "", done.stderr
        return done.stdout.split()

    return ask


async def test_a_shell_is_answered(twap: Twap, asked: Callable[[str], dict[str, str]]) -> None:
    await twap("profile", "add", "desk", "http://127.0.0.1:1")
    for line, found in (("twap --profile d", b"desk"), ("twap --profile x", b"")):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from twap_client.cli import main; main()", env=os.environ | asked(line),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert (out.strip(), err) == (found, b"")


async def test_exchanges_are_asked_for_once(complete: Complete, server: ScriptedServer) -> None:
    assert await complete("twap book ") == ["binance", "kraken", "aggregate"]
    assert await complete("twap klines k") == ["kraken"]
    assert await complete("twap orders --exchange bin") == ["binance"]
    assert sum(item.path == "/exchanges" for item in server.requests) == 1
    await server.stop()
    assert await complete("twap submit b") == ["binance"], "from the disk"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("BTC", ["BTC-USDT", "BTC-USDC"]),
        ("btc-usdt", ["btc-usdt"]),
        ("btcusdc", ["btcusdc"]),
        ("eth/u", ["eth/usdt"]),
        ("X", []),
    ],
)
async def test_symbols_in_the_spelling_that_was_begun(
    complete: Complete, typed: str, found: list[str]
) -> None:
    assert await complete(f"twap submit binance {typed}") == found


async def test_books_to_watch(complete: Complete) -> None:
    assert await complete("twap watch --book kra") == ["kraken:"]
    assert await complete("twap watch --book kraken:et") == ["kraken:eth-usdt"]


async def test_own_open_orders(complete: Complete, signed_in: Twap, server: ScriptedServer) -> None:
    server.orders = {
        "mine-1": order("mine-1", status="Working"),
        "mine-2": order("mine-2", status="Paused"),
        "mine-3": order("mine-3", status="Filled"),
        "other": order("other", status="Working"),
    }
    assert sorted(await complete("twap cancel mine")) == ["mine-1", "mine-2"]
    assert await complete("twap cancel mine-1 oth") == ["other"]
    assert await complete("twap watch oth") == ["other"]


async def test_tournaments(complete: Complete, signed_in: Twap, server: ScriptedServer) -> None:
    names = ("two-ways", "three-ways")
    shared = {"title": "", "finished": NOON, "cases": 1, "runs": 2, "strategies": []}
    listed = [ListedTournament.model_validate(shared | {"name": name}).to_wire() for name in names]
    server.script("GET", "/tournaments", Reply(body=listed))
    assert await complete("twap tournament tw") == ["two-ways"]


async def test_profiles(complete: Complete, twap: Twap) -> None:
    for name in ("desk", "home"):
        await twap("profile", "add", name, "http://127.0.0.1:1")
    assert await complete("twap --profile d") == ["desk"]
    assert await complete("twap profile remove ") == ["desk", "home"]


@pytest.mark.parametrize(
    "line", ["twap book b", "twap submit binance b", "twap cancel o", "twap watch --book b"]
)
@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "nonsense"])
async def test_nothing_is_ever_an_error(complete: Complete, line: str, address: str) -> None:
    assert await complete(line, TWAP_SERVER_URL=address) == []


async def test_answers_that_make_no_sense(complete: Complete, server: ScriptedServer, tmp_path: Path) -> None:
    server.script("GET", "/exchanges", Reply(status=500, body={"odd": 1}))
    assert await complete("twap book b") == []
    assert await complete("twap book b") == ["binance"]
    (kept,) = (tmp_path / "config" / "cache").glob("*.json")
    kept.write_text("{")
    assert await complete("twap book b") == ["binance"]


async def test_an_exchange_whose_name_holds_a_colon(complete: Complete, server: ScriptedServer) -> None:
    server.exchanges = [exchange("ccxt-upbit")]
    assert await complete("twap watch --book ccxt:upbit:btc-usdt") == ["ccxt:upbit:btc-usdt"]
