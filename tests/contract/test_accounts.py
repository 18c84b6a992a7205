"""Accounts on the machine of a real server: made, listed and changed while it runs, and before."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.live import PASSWORD, process
from support.nodes import not_on_nodes
from support.postgres import PostgresServer
from twap_client import NotAuthenticated, NotPermitted, TwapClient
from twap_client.errors import TwapClientError
from twap_server.cli.main import app
from twap_server.clock import SystemClock
from twap_server.store.config import file_of
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

NEW = "another battery staple"


@pytest.fixture(
    params=[pytest.param("sqlite", marks=not_on_nodes("they have PostgreSQL alone")), "postgresql"]
)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'twap.sqlite3'}"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with postgres.database() as url:
        yield url


async def command(database: str, *arguments: str, given: str = "") -> tuple[int, str, str]:
    """Run ``twap-server`` beside whatever runs, in a thread of its own; gives exit code and what it said."""
    environment = {"TWAP_DATABASE": database}
    done = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), given, environment)
    assert "Traceback" not in done.output
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.long
async def test_accounts_beside_a_running_server(database: str) -> None:
    clock = SystemClock()
    async with (
        Venue(SyntheticSource(seed=7, clock=clock), clock=clock) as venue,
        process(database, venue, TWAP_API__REGISTRATION="invite") as (url, _server),
        TwapClient(url) as client,
        TwapClient(url) as other,
    ):
        with pytest.raises(NotPermitted, match="needs an invite"):
            await client.accounts.register("ada", PASSWORD)
        made = await command(database, "user", "add", "ada", "--admin", "--password-stdin", given=PASSWORD)
        assert made == (0, "user ada was made, an administrator\n", "")
        await client.accounts.login("ada", PASSWORD)
        assert (await client.accounts.me()).is_admin

        code, invite, _ = await command(database, "invite", "--days", "2", "--note", "Bob")
        assert code == 0 and invite.startswith("twapinvite_") and invite.count("\n") == 1
        assert [one.note for one in await client.accounts.invites()] == ["Bob"]
        await other.accounts.register("bob", PASSWORD, invite=invite.strip())
        _, listed, _ = await command(database, "user", "list")
        rows = [line.split("\t") for line in listed.splitlines()]
        assert [(row[0], row[2:]) for row in rows] == [("ada", ["administrator"]), ("bob", [])]

        await _a_new_password_ends_sign_ins(database, client)
        assert await command(database, "user", "add", "ADA", "--password-stdin", given=PASSWORD) == (
            2,
            "",
            "twap-server: that user name is taken: choose another\n",
        )
        code, _, told = await command(database, "user", "password", "eve", "--password-stdin", given=NEW)
        assert code == 2 and "there is no user 'eve'" in told
        code, _, told = await command(database, "user", "add", "eve", "--password-stdin", given="short")
        assert code == 2 and "at least 8" in told and "'short'" not in told


async def _a_new_password_ends_sign_ins(database: str, client: TwapClient) -> None:
    """Within five seconds of the command, for requests and for an open stream; the refresh token at once."""
    async with asyncio.timeout(60):
        listening = asyncio.ensure_future(_until_refused(client))
        await asyncio.sleep(0)
        changed = await command(database, "user", "password", "ada", "--password-stdin", given=f"{NEW}\n")
        assert changed == (0, "user ada has a new password; API keys stay; sign-ins ended: 1\n", "")
        began = asyncio.get_running_loop().time()
        await listening
        assert asyncio.get_running_loop().time() - began < 20, "four seconds to look, and slow machines"
    with pytest.raises(NotAuthenticated):
        await client.accounts.me()
    with pytest.raises(NotAuthenticated):
        await client.accounts.login("ada", PASSWORD)
    await client.accounts.login("ada", NEW)


async def _until_refused(client: TwapClient) -> None:
    try:
        async for _ in client.stream(orders=True):
            pass
    except TwapClientError as error:
        assert isinstance(error, NotAuthenticated)


@pytest.mark.long
async def test_the_first_administrator(database: str) -> None:
    """Made before the first start, by the command; or at the start, from the settings, and only there."""
    clock = SystemClock()
    settings = {
        "TWAP_API__REGISTRATION": "closed",
        "TWAP_API__FIRST_USER": "root",
        "TWAP_API__FIRST_USER_PASSWORD": PASSWORD,
    }
    async with Venue(SyntheticSource(seed=7, clock=clock), clock=clock) as venue:
        async with process(database, venue, **settings) as (url, _), TwapClient(url) as client:
            await client.accounts.login("root", PASSWORD)
            assert (await client.accounts.me()).is_admin
        again = settings | {"TWAP_API__FIRST_USER": "eve"}
        async with process(database, venue, **again) as (url, _), TwapClient(url) as client:
            with pytest.raises(NotAuthenticated):
                await client.accounts.login("eve", PASSWORD)
            with pytest.raises(NotPermitted, match="closed"):
                await client.accounts.register("eve", PASSWORD)


async def test_before_the_first_start(database: str) -> None:
    """``add`` makes a file that is not there, and says where; what only looks at accounts makes none."""
    file = file_of(database)
    for looking in (["list"], ["password", "ada", "--password-stdin"], ["link", "ada", "sub-1"]):
        code, out, told = await command(database, "user", *looking, given=PASSWORD)
        if file is not None:
            assert (code, out) == (1, "") and f"there is no database {file}: name the settings" in told
            assert not file.exists()
    if file is None:
        assert (await command(database, "user", "list"))[:2] == (0, "")
    made = await command(database, "user", "add", "ada", "--password-stdin", given=PASSWORD)
    notice = f"a new database was made: {file}\n" if file else ""
    assert made == (0, "user ada was made\n", notice)
    assert (await command(database, "user", "list"))[1].startswith("ada\t")


async def test_what_no_account_can_have_is_refused_in_one_line(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWAP_API__OIDC__ISSUER", "https://id.example")
    monkeypatch.setenv("TWAP_API__OIDC__CLIENT_ID", "twap")
    odd = "a\udcffb"  # bytes of a command line that are no text
    for arguments, field in (
        (("user", "add", odd, "--password-stdin"), "NAME"),
        (("user", "password", odd, "--password-stdin"), "there is no user"),
        (("user", "link", odd, "sub-1"), "there is no user"),
        (("user", "link", "ada", odd), "SUBJECT"),
        (("user", "link", "ada", "s" * 256), "SUBJECT"),
        (("invite", "--note", odd), "--note"),
        (("invite", "--note", "n" * 201), "--note"),
        (("invite", "--days", "366"), "--days"),
    ):
        code, said, told = await command(database, *arguments, given=NEW)
        assert (code, said, told.count("\n")) == (2, "", 1) and field in told, told


async def test_somebody_of_a_provider_is_linked_once(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await command(database, "user", "add", "ada", "--password-stdin", given=PASSWORD)
    code, _, told = await command(database, "user", "link", "ada", "sub-1")
    assert code == 2 and "set api.oidc.issuer" in told
    monkeypatch.setenv("TWAP_API__OIDC__ISSUER", "https://id.example")
    monkeypatch.setenv("TWAP_API__OIDC__CLIENT_ID", "twap")
    linked = await command(database, "user", "link", "ada", "sub-1")
    assert linked == (0, "user ada belongs to subject sub-1 of https://id.example\n", "")
    code, _, told = await command(database, "user", "link", "ada", "sub-1")
    assert code == 2 and "has an account already" in told


async def test_a_closed_server_without_accounts_says_what_to_do(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twap_server", "start", "--exchange", "binance", "--port", "0",
        env=os.environ
        | {
            "TWAP_DATABASE": f"sqlite:///{tmp_path / 'twap.sqlite3'}",
            "TWAP_API__REGISTRATION": "closed",
            "TWAP_EXCHANGES__BINANCE__WS_URL": "ws://127.0.0.1:9",
            "TWAP_EXCHANGES__BINANCE__REST_URL": "http://127.0.0.1:9",
        },
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stderr is not None
    try:
        async with asyncio.timeout(30):
            while b"there is no account" not in (line := await child.stderr.readline()):
                assert line, "it ended without a word"
        assert b"registration is closed: make one with `twap-server user add NAME --admin`" in line
    finally:
        child.kill()
        await child.wait()
