"""The log of a server: who reads it too slowly, or not at all, stops nothing but the log."""

import asyncio
import fcntl
import json
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import httpx
import pytest

from support.children import environment
from twap_server.telemetry import Lines, configure_logging, dropped_log_lines
from twap_server.telemetry.logs import LineHandler

PROGRAM = """
import logging, sys
from twap_server.telemetry import configure_logging, dropped_log_lines, say_last
configure_logging("json")
{body}
"""
NOISY_SERVER = """
import asyncio, logging
from twap_server.cli import main as cli
from twap_server.api.stream.book_publisher import BookPublisher

async def shout(self):
    while True:
        for n in range(200):
            logging.getLogger("noise").error("x" * 200)
        await asyncio.sleep(0.01)

BookPublisher.run = shout
cli.main()
"""


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, str]]]]:
    """Sets logging up as a server does; gives the lines once it is closed."""
    stream, root = StringIO(), logging.getLogger()
    before = (root.handlers[:], root.level)
    monkeypatch.setattr(sys, "stderr", stream)
    for module, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    root.handlers = []
    configure_logging("json")

    def read() -> list[dict[str, str]]:
        root.handlers[0].close()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield read
    logging.captureWarnings(capture=False)
    for handler in root.handlers:
        handler.close()
    root.handlers = before[0]
    root.setLevel(before[1])


def test_libraries_warnings_and_what_nobody_caught_go_the_same_way(
    logged: Callable[[], list[dict[str, str]]],
) -> None:
    logging.getLogger("uvicorn.error").warning("from uvicorn")
    logging.getLogger("asyncio").error("from asyncio")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("from a warning", UserWarning, stacklevel=1)
    failing = threading.Thread(target=lambda: 1 / 0)
    failing.start()
    failing.join()

    class Falls:
        def __del__(self) -> None:
            raise RuntimeError("while it was collected")

    Falls()
    sys.excepthook(KeyError, KeyError("at the end"), None)
    lines = logged()
    told = " ".join(line["message"] + line.get("exception", "") for line in lines)
    for words in ("from uvicorn", "from asyncio", "from a warning", "while it was collected", "at the end"):
        assert words in told
    assert "ZeroDivisionError" in told, "of a thread"


def test_a_place_that_logs_too_much_is_cut_short_and_counted() -> None:
    stream = StringIO()
    handler = LineHandler("json", lambda notice: Lines(stream, notice=notice))

    def at(second: float, level: int = logging.WARNING) -> None:
        record = logging.LogRecord("a", level, "file.py", 7, "peer %s is bad", (second,), None)
        record.created = second
        handler.handle(record)

    for n in range(500):
        at(n / 100)
    for n in range(200):
        at(n / 100, logging.ERROR)
    assert handler.dropped == 380
    at(61)
    handler.close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 120 + 200 + 2, "errors are never left out"
    assert lines[-2]["message"].startswith("380 lines like the next one were left out")


def test_who_logs_in_the_thread_of_the_lines_waits_for_nobody() -> None:
    """As an object that is collected there may, while another thread is about to give a line."""
    taking, is_stuck, is_held, formatting = (threading.Event() for _ in range(4))
    would_wait: list[bool] = []

    class Stuck(StringIO):
        def write(self, text: str) -> int:
            is_stuck.set()
            taking.wait(10)
            return super().write(text)

    class Telling(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            if is_held.is_set():
                formatting.set()
            return super().format(record)

    def notice(count: int) -> str:  # asked for by the thread of the lines, which has their lock
        is_held.set()
        formatting.wait(10)
        lock = handler.lock
        assert lock is not None
        would_wait.append(not lock.acquire(timeout=0.1))
        if not would_wait[-1]:
            lock.release()
            handler.handle(a_record("from inside"))
        return f"{count} missing"

    stream = Stuck()
    handler = LineHandler("json", lambda _: Lines(stream, notice=notice, most=1))
    handler.setFormatter(Telling())
    handler.handle(a_record("first"))
    assert is_stuck.wait(10)
    for text in ("second", "lost"):
        handler.handle(a_record(text))

    def give() -> None:
        is_held.wait(10)
        handler.handle(a_record("from outside"))

    giving = threading.Thread(target=give, daemon=True)
    giving.start()
    taking.set()
    giving.join(10)
    handler.close()
    assert would_wait and not any(would_wait), "for one who waits for the lines"
    assert stream.getvalue().splitlines()[:2] == ["first", "second"]


def a_record(text: str) -> logging.LogRecord:
    return logging.LogRecord("a", logging.ERROR, "file.py", 7, text, (), None)


def test_a_line_that_cannot_be_formatted_says_so() -> None:
    stream = StringIO()
    handler = LineHandler("json", lambda notice: Lines(stream, notice=notice))
    handler.handle(logging.LogRecord("a", logging.WARNING, "f", 1, "%d", ("no number",), None))
    handler.close()
    assert "a log line cannot be written" in json.loads(stream.getvalue())["message"]


def test_an_exception_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    stream = StringIO()
    handler = LineHandler("text", lambda notice: Lines(stream, notice=notice))
    try:
        raise ValueError("x\n2026-03-01 12:00:00 ERROR twap_server forged\x1b[2J")
    except ValueError as error:
        handler.handle(logging.LogRecord("a", 40, "f", 1, "failed\nbadly", (), (type(error), error, None)))
    handler.close()
    lines = stream.getvalue().splitlines()
    assert lines[0].endswith("a failed\\nbadly")
    assert all(line.startswith("  ") for line in lines[1:])
    assert "\x1b" not in stream.getvalue()


async def run(body: str, **streams: int | None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM.format(body=body), env=environment(), **streams
    )


async def test_a_program_ends_though_nobody_reads_what_it_says() -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    body = "\n".join(
        (
            "for n in range(20_000): logging.error('x' * 200)",
            "assert dropped_log_lines() > 9_000",
            "say_last('the end')",
            "raise ValueError('a bug')",
        )
    )
    program = await run(body, stderr=writing)
    async with asyncio.timeout(30):
        assert await program.wait() == 1
    os.close(writing)
    os.close(reading)


async def test_what_waits_is_written_before_the_end() -> None:
    program = await run("for n in range(500): logging.error('line %d', n)", stderr=asyncio.subprocess.PIPE)
    _, said = await program.communicate()
    assert [json.loads(line)["message"] for line in said.splitlines()] == [f"line {n}" for n in range(500)]


@pytest.mark.long
async def test_a_server_whose_stderr_is_stuck_goes_on_and_stops() -> None:
    """Its log fills the pipe; it answers at once, says how much is missing, and SIGTERM ends it."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", NOISY_SERVER, "start", "--demo", "--port", "0",
        env=environment(), stdout=asyncio.subprocess.PIPE, stderr=writing,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        async with asyncio.timeout(60):
            url = (await server.stdout.readline()).decode().split()[3]
            async with httpx.AsyncClient(base_url=url) as http:
                while not (lost := dropped_in((await http.get("/metrics")).text)):
                    await asyncio.sleep(0.05)
                begin = time.monotonic()
                for _ in range(20):
                    assert (await http.get("/health")).status_code == 200
                assert time.monotonic() - begin < 5
            server.send_signal(signal.SIGTERM)
            assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()
        os.close(writing)
        os.close(reading)
    assert lost > 0


def dropped_in(metrics: str) -> float:
    found = re.search(r"^twap_log_lines_dropped_total (\S+)$", metrics, re.MULTILINE)
    assert found is not None
    return float(found[1])


@pytest.mark.long
@pytest.mark.parametrize("streams", ["2>&-", "0<&- 1>&- 2>&-", "2>/dev/full", "its reader is gone"])
async def test_a_server_without_a_usable_stderr_starts_serves_and_stops(tmp_path: Path, streams: str) -> None:
    """Nor does a file of its own become the closed stream: the database is whole afterwards."""
    database, port = tmp_path / "twap.sqlite3", free_port()
    command = (
        f"exec {sys.executable} -m twap_server start --demo --port {port} --database sqlite:///{database}"
    )
    reading, writing = os.pipe()
    os.close(reading)
    server = await asyncio.create_subprocess_exec(
        "bash", "-c", command + (f" {streams}" if ">" in streams else ""),
        env=environment(), stdout=writing, stderr=writing,
    )  # fmt: skip
    os.close(writing)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http, asyncio.timeout(60):
            while not await is_up(http):
                assert server.returncode is None, "it ended by itself"
                await asyncio.sleep(0.05)
            server.send_signal(signal.SIGTERM)
            assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()
    assert database.read_bytes()[:15] == b"SQLite format 3"


async def is_up(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health")).status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nothing_is_counted_where_logging_is_not_set_up() -> None:
    assert dropped_log_lines() == 0
