"""``twap-server doctor``: what is wrong is found and told with what to do; nothing is changed by looking."""

import asyncio
import json
import os
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.postgres import PostgresServer
from twap_server import settings
from twap_server.bootstrap.doctor import Finding, Severity, examine, files, machine, network, storage, worst
from twap_server.bootstrap.doctor.checks import _guarded
from twap_server.cli.main import app
from twap_server.clock import SystemClock
from twap_server.domain.clock import SECOND, Nanos
from twap_server.store.database import Database
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    clock = SystemClock()
    async with Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue:
        yield venue


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., Path]:
    """Writes a settings file: exchanges' REST addresses by name, and more."""

    def write(rest: dict[str, str], **more: Any) -> Path:
        file = tmp_path / "twap.toml"
        lines = [f"{key} = {json.dumps(value)}" for key, value in {"port": 0, **more}.items()]
        lines += [f'[exchanges.{name}]\nrest_url = "{url}"' for name, url in rest.items()]
        file.write_text("\n".join(lines))
        return file

    return write


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks are compared for a hundredth of a second; on a busy machine who answers late does answer."""
    monkeypatch.setattr(machine, "_CLOCK_EVERY_S", 0.001)
    monkeypatch.setattr(network, "_WITHIN_S", 60)


def by_topic(found: list[Finding]) -> dict[str, Finding]:
    return {one.topic: one for one in found}


def everywhere(url: str) -> dict[str, str]:
    return {name: url for name in ("binance", "kraken")}


async def examined(file: Path, database: Path) -> dict[str, Finding]:
    found = await examine(file=file, database=f"sqlite:///{database}", clock=SystemClock())
    return by_topic(found)


async def test_all_is_well_beside_a_running_server_which_notices_nothing(
    tmp_path: Path, configure: Callable[..., Path], venue: Venue
) -> None:
    urls = {name: urls["rest_url"] for name, urls in venue.urls().items() if name != "coinbase"}
    database = tmp_path / "data" / "twap.db"
    async with Database.open(f"sqlite:///{database}"):
        names = sorted(path.name for path in database.parent.iterdir())
        found = await examined(configure(urls), database)
        assert sorted(path.name for path in database.parent.iterdir()) == names
    assert {one.level for one in found.values() if one.topic != "native"} == {Severity.OK}, found
    assert found["in use"].text == f"by process {os.getpid()}"
    assert "answers after" in found["binance"].text and "answers after" in found["kraken"].text
    assert set(found) >= {
        "version", "packages", "settings", "runtime", "native", "folder", "signing key", "database",
        "integrity", "in use", "disk", "disk write", "clock", "binance", "kraken", "open files", "port",
    }  # fmt: skip


async def test_before_the_first_start_nothing_is_made(tmp_path: Path, configure: Callable[..., Path]) -> None:
    database = tmp_path / "data" / "twap.db"
    found = await examined(configure(everywhere(NOWHERE)), database)
    assert not database.parent.exists()
    for topic in ("folder", "database", "signing key"):
        assert (found[topic].level, "first start" in found[topic].text) == (Severity.OK, True)


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".toml"}


async def test_a_stopped_servers_files_stay_as_they_are(
    tmp_path: Path, configure: Callable[..., Path]
) -> None:
    database = tmp_path / "twap.db"
    async with Database.open(f"sqlite:///{database}"):
        pass
    before = contents_of(tmp_path)
    found = await examined(configure(everywhere(NOWHERE)), database)
    assert contents_of(tmp_path) == before
    assert found["in use"].text == "by no server" and found["integrity"].level is Severity.OK


async def test_no_exchange_in_reach_is_told_with_why(tmp_path: Path, configure: Callable[..., Path]) -> None:
    found = await examined(configure(everywhere(NOWHERE)), tmp_path / "twap.db")
    assert found["binance"].level is Severity.WARNING
    assert "127.0.0.1:9 cannot be reached" in found["binance"].text and "refused" in found["binance"].text
    assert found["exchanges"].level is Severity.FAULT


async def test_an_exchange_that_says_nothing_is_given_up(
    tmp_path: Path, configure: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(network, "_WITHIN_S", 0.2)
    async with await asyncio.start_server(mute, "127.0.0.1", 0) as silent:
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        found = await examined(configure({"binance": NOWHERE, "kraken": url}), tmp_path / "a.db")
    assert "did not answer within" in found["kraken"].text


async def test_a_strange_clock_is_told(tmp_path: Path, configure: Callable[..., Path]) -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(old, "127.0.0.1", 0) as answering:
        url = f"http://127.0.0.1:{answering.sockets[0].getsockname()[1]}"
        file = configure({"binance": url, "kraken": NOWHERE})
        found = await examine(file=file, database=f"sqlite:///{tmp_path / 'a.db'}", clock=SystemClock())
    clocks = [one for one in found if one.topic == "clock" and one.level is Severity.WARNING]
    assert len(clocks) == 1 and "ahead of that of binance" in clocks[0].text


@pytest.mark.parametrize(
    ("spoil", "topic", "told"),
    [
        ("damage", "database", (Severity.FAULT, "not a database")),
        ("newer", "database", (Severity.FAULT, "newer than this version knows")),
        ("older", "schema", (Severity.OK, "back up first")),
        ("shared folder", "folder", (Severity.WARNING, "chmod 700")),
        ("shared key", "signing key", (Severity.FAULT, "chmod 600")),
    ],
)
async def test_what_is_wrong_with_files_is_told_with_what_to_do(
    tmp_path: Path, configure: Callable[..., Path], spoil: str, topic: str, told: tuple[Severity, str]
) -> None:
    database = tmp_path / "data" / "twap.db"
    async with Database.open(f"sqlite:///{database}"):
        pass
    damage(spoil, database)
    found = (await examined(configure(everywhere(NOWHERE)), database))[topic]
    assert found.level is told[0] and told[1] in f"{found.text}: {found.advice}", found


def damage(how: str, database: Path) -> None:
    key = database.with_name("signing.key")
    if how == "damage":
        database.write_bytes(b"no database at all" * 100)
    elif how in ("newer", "older"):
        connection = sqlite3.connect(database)
        with connection:
            connection.execute(
                "UPDATE alembic_version SET version_num = ?", ("9999" if how == "newer" else "0001",)
            )
        connection.close()
    elif how == "shared folder":
        database.parent.chmod(0o777)
    else:
        key.write_text("k" * 43)
        key.chmod(0o644)


async def test_postgresql_is_looked_at_and_its_server_named(postgres: PostgresServer) -> None:
    with postgres.database() as url:
        on = settings.load(file=None, flags={"database": url}, environment={})
        assert by_topic([*await storage.database(on)])["in use"].text == "by no server"
        async with Database.open(url):
            found = by_topic([*await storage.database(on)])
        assert "schema 0" in found["database"].text
        assert f"process {os.getpid()}" in found["in use"].text
    gone = by_topic([*await storage.database(on)])["database"]
    assert gone.level is Severity.FAULT and "create it first" in gone.text


async def test_a_check_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twap_server.bootstrap.doctor.checks._ONE_WITHIN_S", 0.01)

    async def hang() -> list[Finding]:
        await asyncio.get_running_loop().create_future()
        return []

    assert [one.level for one in await _guarded(hang)] == [Severity.WARNING]


async def test_a_check_that_fails_itself_is_a_finding() -> None:
    async def fail() -> list[Finding]:
        raise PermissionError(13, "Permission denied")

    (found,) = await _guarded(fail)
    assert found.level is Severity.FAULT and "Permission denied" in found.text


async def test_a_database_that_cannot_be_opened_is_told(
    tmp_path: Path, configure: Callable[..., Path]
) -> None:
    found = await examined(configure(everywhere(NOWHERE)), tmp_path)
    assert found["database"].level is Severity.FAULT
    assert f"the database {tmp_path} cannot be used" in found["database"].text
    assert found["disk"].level is not Severity.FAULT, "the rest is looked at, too"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_the_port_of_a_running_server_is_known(host: str) -> None:
    async def health(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"status":"ok"}')
        await writer.drain()
        writer.close()

    try:
        running = await asyncio.start_server(health, host, 0)
    except OSError:
        pytest.skip(f"no {host} here")
    async with running:
        port = running.sockets[0].getsockname()[1]
        on = settings.load(file=None, flags={"host": host, "port": port}, environment={})
        (found,) = await network.port(on)
    assert found.level is Severity.OK and "running twap-server" in found.text, found


class Jumping(SystemClock):
    """A wall clock that somebody sets while it is looked at."""

    looks = 0

    def now(self) -> Nanos:
        self.looks += 1
        return Nanos(super().now() + (self.looks > 5) * 3 * SECOND)

    async def sleep(self, seconds: float) -> None:
        """At once."""


async def test_a_clock_that_is_set_is_told() -> None:
    (found,) = await machine.clocks(Jumping())
    assert found.level is Severity.WARNING and "3.0 s" in found.text


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_a_limit_of_open_files_below_the_settings_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (256, 1_024))
    (found,) = machine.open_files(settings.load(file=None, flags={}, environment={}))
    assert found.level is Severity.WARNING and "LimitNOFILE" in found.advice


def test_little_room_and_a_slow_disk_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on = settings.load(file=None, flags={"database": f"sqlite:///{tmp_path / 'a.db'}"}, environment={})
    for free, level in ((10 * 2**20, Severity.FAULT), (500 * 2**20, Severity.WARNING), (2**40, Severity.OK)):
        monkeypatch.setattr(files.shutil, "disk_usage", lambda _, free=free: type("U", (), {"free": free}))
        assert files.disk(on, SystemClock())[0].level is level

    class Slow(SystemClock):
        moments = iter((Nanos(0), Nanos(SECOND)))

        def monotonic(self) -> Nanos:
            return next(self.moments)

    assert files.disk(on, Slow())[1].level is Severity.WARNING


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_the_command_is_one_line_a_finding_or_json_and_its_code_says_the_worst(
    tmp_path: Path, configure: Callable[..., Path], taken: int
) -> None:
    words = ["doctor", "--config", str(configure(everywhere(NOWHERE), port=taken))]
    words += ["--database", f"sqlite:///{tmp_path / 'a.db'}"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 2
    assert (
        f"fault   port         127.0.0.1:{taken} is taken by another program: choose another" in told.stdout
    )
    as_json = CliRunner().invoke(app, [*words, "--json"])
    content = json.loads(as_json.stdout)
    assert as_json.exit_code == 2 and content["level"] == "fault"
    assert len(content["findings"]) == len(told.stdout.splitlines())
    assert set(content["findings"][0]) == {"topic", "level", "text", "advice"}


def test_wrong_settings_are_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "twap.toml"
    file.write_text("prot = 1")
    told = CliRunner().invoke(app, ["doctor", "--config", str(file)])
    assert told.exit_code == 2 and "fault   settings     setting prot: unknown" in told.stdout


def test_the_worst_counts() -> None:
    one = Finding(topic="a", level=Severity.OK, text="")
    bad = replace(one, level=Severity.WARNING)
    assert worst([]) is worst([one]) is Severity.OK
    assert worst([one, bad]) is Severity.WARNING
    assert worst([bad, replace(one, level=Severity.FAULT), one]) is Severity.FAULT


def test_a_provider_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.openid(settings.load(file=None, flags={}, environment={})) == []
    named = {"TWAP_API__OIDC__ISSUER": "https://id.example", "TWAP_API__OIDC__CLIENT_ID": "twap"}
    loaded = settings.load(file=None, flags={}, environment=named)
    assert [one.level for one in machine.openid(loaded)] == [Severity.OK]
    monkeypatch.setattr(machine, "find_spec", lambda name: None)
    [missing] = machine.openid(loaded)
    assert missing.level == Severity.FAULT and "pip install authlib" in missing.advice
