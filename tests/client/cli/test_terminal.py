"""The live view on a real (pseudo) terminal: drawn, ended with the order, left cleanly by Ctrl-C."""

import asyncio
import os
import pty
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from twap_client.testing import ScriptedServer, book, order

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


async def test_ctrl_c_leaves_cleanly(keyed: ScriptedServer, tmp_path: Path) -> None:
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
