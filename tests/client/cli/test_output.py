"""The twap command as a process: encodings that cannot write all, and readers that go."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from support.client import Twap
from twap_client.testing import ScriptedServer, book, exchange, order
from twap_client.testing.server import problem
from twap_models import exact_json

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locales and pipes of POSIX")

MAIN = ["-c", "from twap_client.cli import main; main()"]
NAME = "grün → ●"


async def run(
    server: ScriptedServer, folder: Path, *args: str, through: str = "", **variables: str
) -> tuple[int, bytes, bytes]:
    """Run a command; ``through`` is what the shell does with its output."""
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))
    }
    environ |= {"TWAP_SERVER_URL": server.url, "TWAP_API_KEY": "access-1", "TWAP_CONFIG_DIR": str(folder)}
    piped: dict[str, Any] = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    if through:
        script = f'set -o pipefail; "$@" {through}'
        command = ["bash", "-c", script, "bash", sys.executable, *MAIN, *args]
    else:
        command = [sys.executable, *MAIN, *args]
    process = await asyncio.create_subprocess_exec(*command, env=environ | variables, **piped)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert b"Traceback" not in err and b"Exception ignored" not in err, err
    return process.returncode or 0, out, err


@pytest.fixture
def keyed(server: ScriptedServer) -> ScriptedServer:
    """Let ``access-1`` in, as a key of ada's, and have something to show."""
    server._access["access-1"] = "ada"
    server.exchanges = [exchange(), exchange("kraken", status="down", reason=NAME)]
    server.orders = {f"o-{number}": order(f"o-{number}") for number in range(60)}
    return server


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODINGS = [
    ASCII,
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"LC_ALL": "C", "PYTHONUTF8": "1"},
]


@pytest.mark.parametrize("variables", ENCODINGS, ids=lambda found: "-".join(found.values()))
async def test_what_an_encoding_cannot_write_is_replaced(
    keyed: ScriptedServer, tmp_path: Path, variables: dict[str, str]
) -> None:
    code, out, err = await run(keyed, tmp_path, "exchanges", **variables)
    assert (code, err) == (0, b"")
    encoding = variables.get("PYTHONIOENCODING", "ascii").partition(":")[0]
    if variables.get("PYTHONUTF8") == "1":
        encoding = "utf-8"
    text = out.decode(encoding)
    assert "binance\tconnected\t" in text
    assert ("gr?n -> *" if encoding == "ascii" else "grün") in text


async def test_json_loses_nothing(keyed: ScriptedServer, tmp_path: Path) -> None:
    code, out, _ = await run(keyed, tmp_path, "exchanges", "--json", PYTHONIOENCODING="cp1252")
    assert (code, exact_json.loads(out.decode("cp1252"))[1]["reason"]) == (0, NAME)


async def test_messages_and_exit_codes_are_what_they_are(keyed: ScriptedServer, tmp_path: Path) -> None:
    keyed.script("GET", "/orders/o-1", problem(404, "order_not_found", NAME))
    code, _, err = await run(keyed, tmp_path, "order", "o-1", **ASCII)
    assert (code, err) == (1, b"twap: gr?n -> * (order_not_found)\n")
    keyed.orders["o-1"] = order("o-1", status="Expired", detail=NAME)
    assert (await run(keyed, tmp_path, "watch", "o-1", **ASCII))[0] == 3
    assert (await run(keyed, tmp_path, "--help", **ASCII))[0] == 0


async def test_a_reader_that_goes_is_no_failure_of_ours(keyed: ScriptedServer, tmp_path: Path) -> None:
    for _ in range(500):
        keyed.push_event("accepted", order("o-1"))
    for args in (["orders"], ["watch", "o-1"], ["watch", "o-1", "--json"]):
        code, out, err = await run(keyed, tmp_path, *args, through="| head -n 1; true")
        assert code == 0 and out.count(b"\n") == 1
        assert b"rror" not in err and b"ipe" not in err, err


@pytest.mark.parametrize("through", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
async def test_closed_streams(keyed: ScriptedServer, tmp_path: Path, through: str) -> None:
    assert (await run(keyed, tmp_path, "orders", through=through))[0] == 0


async def test_a_question_where_nobody_can_answer_says_what_to_give(
    keyed: ScriptedServer, tmp_path: Path
) -> None:
    code, _, err = await run(keyed, tmp_path, "login", through="<&-")
    assert code == 2 and b"--username" in err and b"Traceback" not in err, err


async def test_a_full_disk_is_one_line(keyed: ScriptedServer, tmp_path: Path) -> None:
    code, _, err = await run(keyed, tmp_path, "orders", through=">/dev/full")
    assert code == 1 and err.count(b"\n") == 2 and b"No space left" in err


@pytest.fixture
def piped(keyed: ScriptedServer, twap: Twap, monkeypatch: pytest.MonkeyPatch) -> Twap:
    """Run a command in this process, as in a pipe that writes UTF-8."""
    monkeypatch.setenv("TWAP_API_KEY", "access-1")
    return twap


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"TERM": "dumb"}])
async def test_no_colours_where_none_are_wanted(
    piped: Twap, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = await piped("orders")
    assert done.code == 0 and "\x1b[3" not in done.out
    assert all(line.count("o-") == 1 for line in done.out.splitlines()[1:]), "one order a line"


@pytest.mark.parametrize("variables", [{"COLUMNS": "60"}, {"FORCE_COLOR": "1", "COLUMNS": "200"}])
async def test_a_pipe_gets_rows_with_tabs_and_no_colours(
    keyed: ScriptedServer, piped: Twap, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    keyed.orders["o-1"] = order("o-1", status="Working", side="sell", filled_quantity="0.1", price="100.50")
    out = (await piped("orders", "--limit", "100")).out
    assert "\x1b" not in out and "  " not in out
    header, *rows = (line.split("\t") for line in out.splitlines())
    assert header[:5] == ["token", "status", "side", "quantity", "symbol"]
    assert {len(row) for row in rows} == {len(header)}
    assert ["o-1", "Working", "sell", "1"] in [row[:4] for row in rows]


async def test_a_program_reads_levels_not_a_picture(keyed: ScriptedServer, piped: Twap) -> None:
    keyed.books["binance:BTC-USDT"] = book()
    out = (await piped("book", "binance", "BTC-USDT")).out
    names, *levels = (line.split("\t") for line in out.splitlines())
    assert names == ["exchange", "symbol", "status", "reason", "side", "price", "quantity"]
    assert {level[4] for level in levels} == {"bid", "ask"}
    assert levels[0][:4] == ["binance", "BTC-USDT", "live", ""]


async def test_it_says_that_there_are_more_orders(piped: Twap) -> None:
    done = await piped("orders")
    assert done.code == 0 and done.out.count("o-") >= 50 and "o-50" not in done.out
    assert done.err == "the newest 50 of 60: `twap orders --limit 60` shows all\n"
    done = await piped("orders", "--limit", "60", "--json")
    assert "o-59" in done.out and done.err == ""
