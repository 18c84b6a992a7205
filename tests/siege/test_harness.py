"""The siege's own arithmetic, its bounds, and that it attacks nobody but this machine."""

import asyncio
import contextlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from siege import probe, wire
from siege.attackers import Job
from siege.attacks import ATTACKS, named
from siege.ground import Ground, Spent
from siege.growth import Growth, growths
from siege.lag import lag_p99
from siege.probe import Health
from siege.series import percentile, slope
from siege.tables import lines
from siege.tally import MIB, Tally
from siege.target import NotLoopback, Target, address, loopback
from siege.verdict import Row, faults
from support.children import environment

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:8000",
        "http://192.168.1.4:8000",
        "http://0.0.0.0:8000",
        "http://example.com:8000",
        "http://localhost:8000",
        "http://127.0.0.1.example.com:8000",
        "http://127.0.0.1@example.com:8000",
        "https://127.0.0.1:8000",
        "http://127.0.0.1",
        "http://[::1]:8000",
        "127.0.0.1:8000",
        "http://127.1:8000",
        "http://[",
        "",
    ],
)
def test_nobody_but_this_machine_is_attacked(url: str) -> None:
    with pytest.raises(NotLoopback, match="nobody else is attacked"):
        loopback(url)


def test_this_machine_is() -> None:
    assert loopback("http://127.0.0.1:8000") == Target(8000)
    assert loopback("http://127.0.0.66:80/").url == "http://127.0.0.66:80"
    assert loopback(f"http://{address(5_999)}:1").host == "127.0.89.250"


def test_the_command_refuses_another_machine() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/attack.py"), "--target", "http://10.0.0.1:80"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "nobody else is attacked" in done.stdout


def test_the_attackers_process_refuses_it_too() -> None:
    job = Job(url="http://10.0.0.1:80", attack="head", seconds=1)
    done = subprocess.run(
        [sys.executable, "-m", "siege.attackers"], input=job.to_json() + "\n", env=environment(),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "NotLoopback" in done.stderr


# Arithmetic


def test_percentiles() -> None:
    assert percentile([], 0.99) == 0
    assert percentile([3], 0.5) == 3
    hundred = [float(one) for one in range(100, 0, -1)]
    assert (percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)) == (50, 99, 100)


def test_a_slope_is_not_bent_by_spikes() -> None:
    times = [float(at) for at in range(600)]
    flat = [100.0 + (64 if at % 10 == 3 else 0) for at in range(600)]
    assert slope(times, flat) == 0
    assert slope(times, [value + 0.5 * at for at, value in enumerate(flat)]) == pytest.approx(0.5, abs=0.001)
    assert slope([1], [1]) == slope([], []) == 0


def test_lag_is_that_of_the_time_between_two_readings() -> None:
    def reading(*counts: float) -> dict[str, float]:
        bounds = ("0.001", "0.01", "0.1", "+Inf")
        return {
            f'twap_event_loop_lag_seconds_bucket{{le="{bound}"}}': count
            for bound, count in zip(bounds, counts, strict=True)
        }

    assert lag_p99(reading(0, 0, 0, 9), reading(99, 100, 100, 109)) == 0.001
    assert lag_p99(reading(100, 100, 100, 100), reading(100, 190, 200, 200)) == 0.1
    assert lag_p99({}, reading(0, 0, 0, 1)) == float("inf")
    assert lag_p99(reading(1, 1, 1, 1), reading(1, 1, 1, 1)) == lag_p99({}, {}) == 0


def test_only_what_grows_after_the_warm_up_is_not_flat() -> None:
    samples = [
        {"minutes": at / 60, "rss_mib": 100.0 + min(at, 120), "tasks": 500.0, "database_mib": at * 9.0}
        for at in range(600)
    ]
    by_column = {one.column: one for one in growths(samples, warm_up=2)}
    assert [one.flat for one in by_column.values()] == [True, True, True]
    assert by_column["rss_mib"].end == 220
    assert by_column["database_mib"].each_minute == pytest.approx(540)
    later = [one | {"rss_mib": 100 + 1.1 * one["minutes"]} for one in samples]
    assert [one.column for one in growths(later, warm_up=2) if not one.flat] == ["rss_mib"]
    assert growths([], warm_up=2) == []


def test_a_few_clients_more_are_no_growth() -> None:
    growth = Growth(column="tasks", begin=1_500, end=1_550, each_minute=10, most=20)
    assert growth.flat and not replace(growth, each_minute=21).flat


# What an attack may do


async def test_an_attack_has_bounds() -> None:
    ground = Ground(target=Target(1), seconds=60, most_connections=2)
    ground.tally.connections = 2
    with pytest.raises(Spent):
        async with ground.line():
            pass
    assert ground.goes_on
    ground.tally.sent = ground.most_bytes
    assert not ground.goes_on
    assert not Ground(target=Target(1), seconds=0).goes_on


async def until_ended() -> None:
    """Wait for the connections of a server that listens no more."""
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(answer: bytes, *, then: str) -> AsyncIterator[Target]:
    """A server that answers each head, then goes on reading, closes, or says nothing more."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                if then == "close":
                    break
                while then == "read" and await reader.read(65_536):
                    pass

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1_000_000)
    try:
        yield Target(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await until_ended()


REFUSED = b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_server_that_takes_everything_is_a_hole() -> None:
    async with listening(REFUSED, then="read") as target:
        ground = Ground(target=target, seconds=20, most_bytes=80 * MIB, paced=False)
        await named("after-413").run(ground)
    assert any("one connection took" in hole for hole in ground.tally.holes)
    assert ground.tally.sent <= 82 * MIB


async def test_a_server_that_closes_is_none() -> None:
    async with listening(REFUSED, then="close") as target:
        ground = Ground(target=target, seconds=60, most_connections=20)
        await named("after-413").run(ground)
    assert ground.tally.holes == []
    assert 0 < ground.tally.connections <= 20
    assert ground.tally.answers["413"]


async def test_an_answer_of_500_is_a_hole() -> None:
    tally = Tally(answers=Counter({"200": 3, "503": 2, "500": 1, "closed": 4}))
    named("odd-inputs").look(tally)
    assert tally.holes == ["1 answers 500"]


async def test_a_server_that_stands_still_is_seen_by_every_probe_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty probes a second are late together, not one alone."""
    monkeypatch.setattr(probe, "EVERY_S", 0.01)
    held = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                await held.wait()
                writer.write(OK)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        health = Health(Target(server.sockets[0].getsockname()[1]))
        async with asyncio.TaskGroup() as group:
            probing = group.create_task(health.run())
            asyncio.get_running_loop().call_later(0.3, held.set)
            async with asyncio.timeout(10):
                while len(health.kept.seconds) < 25:
                    await asyncio.sleep(0.01)
            probing.cancel()
    await until_ended()
    assert sum(seconds > 0.1 for seconds in health.kept.seconds) >= 15


def test_frames_are_those_of_a_client() -> None:
    assert wire.frame(wire.PING, b"ab") == b"\x89\x82\x00\x00\x00\x00ab"
    assert wire.frame(wire.CONT, last=False) == b"\x00\x80\x00\x00\x00\x00"
    assert wire.frame(wire.TEXT, b"a" * 300)[:4] == b"\x81\xfe\x01\x2c"


def test_a_tally_comes_back_whole() -> None:
    tally = Tally(sent=5, answers=Counter(closed=2), holes=["one"])
    assert Tally.from_json(tally.to_json()) == tally
    tally.hole("one")
    assert tally.holes == ["one"]


def test_every_attack_has_its_own_name() -> None:
    assert len({one.name for one in ATTACKS}) == len(ATTACKS)
    with pytest.raises(LookupError, match="expected one of: trailers, "):
        named("unknown")


# The verdict


ROW = Row(
    name="head", number="A1", tally=Tally(), seconds=8, health_p50=0.002, health_p99=0.02, anew_p99=0.03,
    anew=Counter({"200": 8}), kept=Counter({"200": 160}), start_mib=120, before_mib=121, peak_mib=150,
    after_mib=125, handles=(30, 40, 30), tasks=(20, 20), cpu=0.3, gap_p99=1.05, late_p99=0.04,
    slices=Counter(filled=8), ordered=8, sign_in_max=0.2, submission_max=0.05,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"health_p99": 0.25}, "/health p99 250 ms"),
        ({"kept": Counter({"200": 9, "closed": 1})}, "on a kept connection failed"),
        ({"anew": Counter({"200": 9, "503": 1})}, "on new connections"),
        ({"after_mib": 185}, r"\+65 MiB afterwards"),
        ({"peak_mib": 185}, r"\+65 MiB at its peak"),
        ({"drops": ["closed with 1012"]}, "stream was lost"),
        ({"refusals": Counter({"sign-in: 429": 1})}, "the victim met sign-in: 429"),
        ({"gap_p99": 1.6}, "1.6 s apart"),
        ({"late_p99": 0.3}, "300 ms late"),
        ({"slices": Counter({"filled": 7, "missed: engine_down": 1})}, "engine_down"),
        ({"sign_in_max": 2.1}, "sign-in of the victim took"),
        ({"submission_max": 2.1}, "order of the victim took"),
        ({"tally": Tally(holes=["a hole"])}, "a hole"),
    ],
)
def test_what_is_not_held_is_said(change: dict[str, object], words: str) -> None:
    assert faults(ROW) == []
    found = faults(replace(ROW, **change))  # type: ignore[arg-type]
    assert len(found) == 1
    assert re.search(words, found[0])


def test_what_an_attack_may_borrow_is_no_fault() -> None:
    assert faults(replace(ROW, peak_mib=300, borrowed_mib=128)) == []
    assert faults(replace(ROW, anew=Counter({"503": 9}), anew_may_be_refused=True)) == []
    assert faults(replace(ROW, anew=Counter({"no answer": 1}), anew_may_be_refused=True)) != []


def test_the_tables_say_all_of_it() -> None:
    text = "\n".join(lines([ROW, replace(ROW, health_p99=0.5)], ATTACKS))
    assert "| head | A1 |" in text
    assert "NOT HELD: head (a head of 70 kB" in text
    assert "held: 1 of 2" in text
    assert "/health, worst p99: 500 ms (head)" in text
    assert "memory: 120 MiB before, 125 MiB afterwards (+5, bound 64)" in text
