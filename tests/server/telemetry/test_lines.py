"""Lines to a stream that is stuck, full or closed: the writer never waits, and what is missing is told."""

import errno
import fcntl
import os
import re
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest

from twap_server.telemetry import Lines


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """A reading end, and a stream to it that takes 4 KiB while nobody reads."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    stream = os.fdopen(writing, "w")
    yield reading, stream
    for close in (stream.close, lambda: os.close(reading)):
        try:
            close()
        except OSError as error:
            assert error.errno == errno.EBADF


def all_of(reading: int) -> list[str]:
    """What is written until the other end is closed."""
    with os.fdopen(os.dup(reading), encoding="utf-8") as file:
        return file.read().splitlines()


def test_nobody_waits_for_a_reader_that_takes_nothing(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    lines = Lines(stream, most=10)
    for n in range(1_000):
        lines.put(f"line {n} " + "x" * 500)
    assert 960 < lines.dropped <= 990
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.extend(all_of(reading)))
    reader.start()
    lines.close(5)
    stream.close()
    reader.join()
    numbers = [int(found[1]) for line in got if (found := re.match(r"line (\d+)", line))]
    missing = [int(found[1]) for line in got if (found := re.match(r"\((\d+) lines are missing", line))]
    assert numbers == sorted(numbers) and len(numbers) == 1_000 - lines.dropped
    assert sum(missing) == lines.dropped, "each is told, in the place where it is missing"
    assert got[0].startswith("line 0 "), "the newest are those that are dropped"


def test_what_is_missing_is_told_without_another_line(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    lines = Lines(stream, most=2)
    for _ in range(50):
        lines.put("x" * 500)
    lost = lines.dropped
    with os.fdopen(os.dup(reading), encoding="utf-8") as file:
        while "missing" not in (line := file.readline()):
            assert set(line) == {"x", "\n"}
    assert line == f"({lost} lines are missing here)\n"
    lines.close()


def test_bytes_are_bounded_too(pipe: tuple[int, TextIO]) -> None:
    lines = Lines(pipe[1], most_bytes=10_000)
    for _ in range(100):
        lines.put("x" * 1_000)
    assert lines.dropped >= 80
    os.read(pipe[0], 1)
    lines.close(0)


def test_the_end_does_not_wait_for_a_reader(pipe: tuple[int, TextIO]) -> None:
    lines = Lines(pipe[1])
    for _ in range(100):
        lines.put("x" * 500)
    closing = threading.Thread(target=lambda: lines.close(0.05))
    closing.start()
    closing.join(5)
    assert not closing.is_alive()
    lines.put("too late")
    assert lines.dropped == 1


def test_a_reader_that_is_gone_costs_lines_and_nothing_else(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    os.close(reading)
    with Lines(stream) as lines:
        for n in range(5):
            lines.put(f"{n}")
    assert lines.dropped == 5
    os.dup2(os.open(os.devnull, os.O_RDONLY), reading)  # for the fixture to close


def test_a_full_disk_costs_lines_until_there_is_room() -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - its descriptor is replaced below
    lines = Lines(full)
    for n in range(3):
        lines.put(f"{n}")
    while lines.dropped < 3:
        pass
    reading, writing = os.pipe()
    os.dup2(writing, full.fileno())
    os.close(writing)
    lines.put("again")
    lines.close()
    full.close()
    assert all_of(reading) == ["(3 lines are missing here)", "again"]
    os.close(reading)


def test_a_stream_made_not_to_block_is_waited_for(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    os.set_blocking(stream.fileno(), False)
    lines = Lines(stream)
    for n in range(50):
        lines.put(f"{n} " + "x" * 500)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.extend(all_of(reading)))
    reader.start()
    lines.close()
    stream.close()
    reader.join()
    assert [line.split()[0] for line in got] == [str(n) for n in range(50)]
    assert lines.dropped == 0


@pytest.mark.parametrize("stream", [None, "closed"])
def test_no_stream_at_all(stream: str | None, tmp_path: Path) -> None:
    closed = (tmp_path / "log").open("w")
    closed.close()
    with Lines(closed if stream else None) as lines:
        lines.put("nobody")
    assert lines.dropped == 1


def test_any_text_can_be_written() -> None:
    stream = StringIO()
    with Lines(stream) as lines:
        lines.put("\ud800 ü")
    assert stream.getvalue() == "\\ud800 ü\n"


def test_who_logs_while_a_line_is_taken_does_not_wait_for_himself() -> None:
    """As an object that is collected at that moment may."""
    stream = StringIO()
    with Lines(stream) as lines:
        with lines._changed:
            lines.put("inside")
        lines.put("outside")
    assert stream.getvalue() == "inside\noutside\n"
