"""The live view on a real (pseudo) terminal: drawn, ended with the order, left cleanly by Ctrl-C."""

import asyncio
import os
import pty
import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from twap_client.testing import Reply, ScriptedServer, book, order, preview

HOUR = timedelta(hours=1)
NEXT_YEAR = datetime(2099, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")


@dataclass
class Screen:
    """A command on a pseudo terminal and all it has drawn."""

    process: asyncio.subprocess.Process
    ours: int
    drawn: bytearray = field(default_factory=bytearray)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(20):
            while text.encode() not in self.drawn:
                self.changed.clear()
                await self.changed.wait()


async def start(server: ScriptedServer, folder: Path, *args: str, **variables: str) -> Screen:
    ours, theirs = pty.openpty()
    environ = os.environ | {
        "TWAP_SERVER_URL": server.url,
        "TWAP_API_KEY": "access-1",
        "TWAP_CONFIG_DIR": str(folder),
        "TERM": "xterm-256color",
        "COLUMNS": "120",
        "LINES": "40",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from twap_client.cli import main; main()",
        *args,
        env=environ | variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    screen = Screen(process, ours)
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the other side is closed
            data = b""
        if not data:
            loop.remove_reader(ours)
            os.close(ours)
        screen.drawn += data
        screen.changed.set()

    loop.add_reader(ours, read)
    return screen


@pytest.fixture
def keyed(server: ScriptedServer) -> ScriptedServer:
    """Let ``access-1`` in, as a key of ada's."""
    server._access["access-1"] = "ada"
    return server


async def test_the_view_ends_with_the_order(keyed: ScriptedServer, tmp_path: Path) -> None:
    keyed.orders["o-1"] = order("o-1", status="Working")
    screen = await start(keyed, tmp_path, "watch", "o-1")
    await keyed.requested("GET", "/orders/o-1", times=2)
    keyed.push_book(book())
    await screen.shows("61837.63")
    await screen.shows("spread")
    keyed.feed.drop(1012)
    await screen.shows("reconnecting")
    await keyed.subscribed("orders", times=2)
    keyed.push_event("ended", order("o-1", status="Expired", detail="the window is over"))
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 3
    await screen.shows("arrival price")
    assert b"Traceback" not in screen.drawn


async def test_a_terminal_that_cannot_draw_gets_lines(keyed: ScriptedServer, tmp_path: Path) -> None:
    keyed.push_event("accepted", order("o-1", status="Working"))
    screen = await start(keyed, tmp_path, "watch", "o-1", TERM="dumb", COLUMNS="80")
    await screen.shows("12:00:00 o-1 accepted")
    keyed.push_event("ended", order("o-1", status="Canceled"))
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 4
    assert b"o-1 ended" in screen.drawn and b"\x1b[" not in screen.drawn


async def test_an_id_can_be_copied_at_80_columns(keyed: ScriptedServer, tmp_path: Path) -> None:
    longest = "x" * 60 + ".:-_"
    keyed.orders[longest] = order(longest, status="Working", side="sell")
    screen = await start(keyed, tmp_path, "orders", COLUMNS="80")
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 0
    await screen.shows(longest)
    assert b"Working" in screen.drawn and b"sell" in screen.drawn


async def test_q_leaves_an_order_at_work(keyed: ScriptedServer, tmp_path: Path) -> None:
    keyed.orders["o-1"] = order("o-1", status="Accepted", start_time=NEXT_YEAR, end_time=NEXT_YEAR + HOUR)
    screen = await start(keyed, tmp_path, "watch", "o-1")
    await screen.shows("starts in")
    os.write(screen.ours, b"q")
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 0
    await screen.shows("the order o-1 goes on")


async def test_open_orders_are_a_table_with_keys(keyed: ScriptedServer, tmp_path: Path) -> None:
    for token in ("o-1", "o-2"):
        keyed.orders[token] = order(token, status="Working")
    keyed.orders["o-3"] = order("o-3", status="Filled")
    screen = await start(keyed, tmp_path, "watch", COLUMNS="80", LINES="24")
    await screen.shows("enter open")
    assert b"o-1" in screen.drawn and b"o-3" not in screen.drawn
    os.write(screen.ours, b"j")
    os.write(screen.ours, b"p")
    await keyed.requested("POST", "/orders/o-2/pause")
    await screen.shows("Paused")
    os.write(screen.ours, b"c")
    await screen.shows("cancel o-2?")
    os.write(screen.ours, b"n")
    os.write(screen.ours, b"r")
    await keyed.requested("POST", "/orders/o-2/resume")
    os.write(screen.ours, b"cy")
    await keyed.requested("DELETE", "/orders/o-2")
    await screen.shows("Canceled")
    keyed.push_event("accepted", order("o-4", status="Accepted"))
    await screen.shows("o-4")
    os.write(screen.ours, b"k\r")
    await screen.shows("remaining")
    os.write(screen.ours, b"q")
    await keyed.requested("GET", "/orders", times=3)
    os.write(screen.ours, b"q")
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 0
    await screen.shows("2 orders go on")
    assert b"Traceback" not in screen.drawn


async def test_a_list_of_orders_that_lives(keyed: ScriptedServer, tmp_path: Path) -> None:
    keyed.orders = {"o-1": order("o-1", status="Working"), "o-2": order("o-2", status="Filled")}
    screen = await start(keyed, tmp_path, "orders", "--watch", "--status", "closed")
    await screen.shows("o-2")
    assert b"o-1" not in screen.drawn
    os.write(screen.ours, b"q")
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 0


async def test_ctrl_c_leaves_the_table_with_a_farewell(keyed: ScriptedServer, tmp_path: Path) -> None:
    keyed.orders["o-1"] = order("o-1", status="Working")
    screen = await start(keyed, tmp_path, "watch")
    await screen.shows("o-1")
    screen.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 130
    await screen.shows("1 order goes on")


async def test_a_book_without_a_sign_in(server: ScriptedServer, tmp_path: Path) -> None:
    server.books["binance:BTC-USDT"] = book()
    screen = await start(server, tmp_path, "watch", "--book", "binance:BTC-USDT", TWAP_API_KEY="")
    await screen.shows("61837.63")
    os.write(screen.ours, b"q")
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 0
    await screen.shows("no longer watching binance:BTC-USDT")
    assert not server.feed.received


async def test_an_unknown_book_is_an_error(keyed: ScriptedServer, tmp_path: Path) -> None:
    screen = await start(keyed, tmp_path, "watch", "--book", "binance:NOPE-USDT")
    await screen.shows("no symbol 'NOPE-USDT'")
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 1


async def test_ctrl_c_leaves_cleanly(keyed: ScriptedServer, tmp_path: Path) -> None:
    keyed.books["binance:BTC-USDT"] = book()
    screen = await start(keyed, tmp_path, "watch", "--book", "binance:BTC-USDT")
    await keyed.subscribed("binance:BTC-USDT")
    keyed.push_book(book())
    await screen.shows("61837.63")
    screen.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(5):
        assert await screen.process.wait() == 130
        await keyed.feed.closed()
    assert b"Traceback" not in screen.drawn
    assert b"\x1b[?1049l" in screen.drawn  # the screen is given back


async def test_submit_asks_first(keyed: ScriptedServer, tmp_path: Path) -> None:
    window = ["--duration", "1m", "--slices", "3"]
    screen = await start(keyed, tmp_path, "submit", "binance", "BTC-USDT", "buy", "0.5", *window)
    await screen.shows("Submit this order?")
    os.write(screen.ours, b"n\n")
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 1
    await screen.shows("nothing was submitted")
    assert b"one every" in screen.drawn and b"order id" in screen.drawn
    assert keyed.orders == {}
    assert b"Traceback" not in screen.drawn


async def test_what_was_shown_before_is_not_said_again(keyed: ScriptedServer, tmp_path: Path) -> None:
    planned = preview("o-1", warnings=["20 slices became 5"]).to_wire()
    made = order("o-1", warnings=["20 slices became 5", "the book was late"]).to_wire()
    keyed.script("POST", "/orders/twap/preview", Reply(body=[planned]))
    keyed.script("POST", "/orders/twap", Reply(status=201, body=[made]))
    window = ["--duration", "1m", "--slices", "3"]
    screen = await start(keyed, tmp_path, "submit", "binance", "BTC-USDT", "buy", "0.5", *window)
    await screen.shows("Submit this order?")
    os.write(screen.ours, b"y\n")
    async with asyncio.timeout(20):
        assert await screen.process.wait() == 0
    await screen.shows("the book was late")
    assert screen.drawn.count(b"20 slices became 5") == 1
