"""twap keys, twap password, twap logout --everywhere; where passwords come from."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from support.client import drawn
from twap_client.cli import render, session
from twap_client.cli.app import app
from twap_client.testing import ScriptedServer
from twap_models import ApiKey

KEY_ID = "0ce8eb6d55a84ae1b71f6a30ba1d3bc4"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Twap = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def twap(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twap:
    """Run a command in a thread of its own: it brings its own event loop."""
    monkeypatch.setenv("TWAP_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("TWAP_SERVER_URL", server.url)
    for name in ("TWAP_API_KEY", "TWAP_USERNAME", "TWAP_PASSWORD", "TWAP_NEW_PASSWORD"):
        monkeypatch.delenv(name, raising=False)

    async def run(*args: str, given: str | bytes | None = None) -> Outcome:
        result = await asyncio.to_thread(CliRunner().invoke, app, list(args), given)
        assert "Traceback" not in result.output
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
async def signed_in(twap: Twap) -> Twap:
    assert (await twap("login", "-u", "ada", "--password-stdin", given="correct horse\n")).code == 0
    return twap


@pytest.mark.parametrize(
    "line", ["correct horse\n", "correct horse\r\n", "correct horse", "correct horse\nmore\n"]
)
async def test_a_password_comes_from_standard_input(twap: Twap, line: str) -> None:
    done = await twap("login", "--username", "ada", "--password-stdin", given=line)
    assert (done.code, done.out.rstrip().endswith("as ada")) == (0, True), done.err
    assert "Password" not in done.out + done.err, "nobody is asked"


async def test_a_password_of_any_letters_comes_from_standard_input(
    twap: Twap, server: ScriptedServer
) -> None:
    done = await twap("register", "-u", "grace", "--password-stdin", given="  grün und sicher\t\n".encode())
    assert done.code == 0 and server.accounts["grace"] == "  grün und sicher\t"


async def test_name_and_password_come_from_the_environment(
    twap: Twap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWAP_USERNAME", "grace")
    monkeypatch.setenv("TWAP_PASSWORD", "battery staple")
    assert (await twap("register")).out.rstrip().endswith("as grace")
    wrong = await twap("login", "--password-stdin", given="another\n")
    assert wrong.code == 6, "standard input goes before the environment"
    assert (await twap("login", "-u", "ada", "-p", "correct horse")).code == 0, "and an option before both"


@pytest.mark.parametrize(
    ("args", "given", "words"),
    [
        (["login", "-u", "ada", "--password-stdin"], "", "expected one line, the password"),
        (["login", "-u", "ada", "--password-stdin"], "\n", "expected one line, the password"),
        (["login", "-u", "ada", "--password-stdin"], "x" * 5_000, "expected one line, the password"),
        (["login", "-u", "ada", "--password-stdin", "-p", "x"], "x\n", "is given twice"),
        (["login", "--password-stdin"], "x\n", "say who signs in"),
        (["password", "--password-stdin"], "correct horse\n", "expected two lines"),
        (["logout", "--keys"], None, "goes with --everywhere"),
        (
            ["keys", "create", "bot", "--read-only", "--scope", "trade"],
            None,
            "is said by --read-only already",
        ),
        (["keys", "create", "bot", "--scope", "admin"], None, "--scope: expected read or trade, got 'admin'"),
        (
            ["keys", "create", "bot", "--expires", "30x"],
            None,
            "a length such as 30d or 12h, or a time, got '30x'",
        ),
        (["register", "-u", "ada", "-p", "short"], None, "password: expected at least 8 characters, got 5"),
        (["login", "--server", "http://h"], None, "--server: it goes before the command: twap --server URL"),
        (
            ["keys", "list", "--server", "http://h"],
            None,
            "--server: it goes before the command: twap --server",
        ),
        (["--interval", "5", "submit"], None, "--interval: if it is a command's, it goes after the command"),
        (["keys", "create"], None, "NAME"),
        (["keys", "revoke"], None, "the id of a key, or --all"),
        (["keys", "revoke", "k", "--all"], None, "the id of a key, or --all"),
    ],
)
async def test_wrong_use_is_told(twap: Twap, args: list[str], given: str | None, words: str) -> None:
    told = await twap(*args, given=given)
    said = " ".join(told.err.replace("│", " ").split())
    assert (told.code, words in said) == (2, True), told.err


async def test_bytes_that_are_no_text_are_told(twap: Twap) -> None:
    told = await twap("login", "-u", "ada", "--password-stdin", given=b"gr\xfcn und sicher\n")
    assert told.code in (1, 2) and "encoding" in told.err


async def test_the_secret_is_alone_on_standard_output(signed_in: Twap, server: ScriptedServer) -> None:
    made = await signed_in("keys", "create", "bot", "--read-only", "--expires", "30d")
    assert (made.code, made.out) == (0, "twap_1\n")
    assert "key-1, read, ends 2026-01-31 12:00:00 UTC" in made.err and "this once" in made.err
    assert "twap_1" not in made.err
    made = await signed_in("keys", "create", "both")
    assert "read and trade, never ends" in made.err
    as_json = json.loads((await signed_in("keys", "create", "third", "--scope", "trade", "--json")).out)
    assert (as_json["key"], as_json["scopes"]) == ("twap_3", ["trade"])
    listed = await signed_in("keys", "list")
    assert "key-1" in listed.out and "bot" in listed.out and "twap_" not in listed.out
    assert [key["name"] for key in json.loads((await signed_in("keys", "list", "--json")).out)] == [
        "bot",
        "both",
        "third",
    ]
    assert (await signed_in("keys", "revoke", "key-1")).out == "revoked key-1\n"
    gone = await signed_in("keys", "revoke", "key-1")
    assert (gone.code, gone.err) == (1, "twap: you have no such API key (not_found)\n")
    assert (await signed_in("keys", "revoke", "--all")).out == "revoked all API keys\n"
    assert json.loads((await signed_in("keys", "list", "--json")).out) == []


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("30d", "+30d"),
        ("+12h", "+12h"),
        ("2027-01-01T00:00Z", "2027-01-01T00:00:00.000000Z"),
        ("2027-01-01", "2027-01-01T05:00:00.000000Z"),
    ],
)
async def test_an_end_is_a_length_or_a_time_of_this_machine(
    signed_in: Twap, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, typed: str, sent: str
) -> None:
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        made = await signed_in("keys", "create", "bot", "--expires", typed)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert server.requests[-1].json["expires"] == sent
    assert ("is local time" in made.err) is (typed == "2027-01-01")


async def test_a_key_that_is_not_enough_says_what_to_do(
    signed_in: Twap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWAP_API_KEY", (await signed_in("keys", "create", "bot", "--read-only")).out.strip())
    assert (await signed_in("orders")).code == 0
    for args in (["cancel", "o-1"], ["keys", "list"], ["logout", "--everywhere"]):
        refused = await signed_in(*args)
        assert refused.code == 1 and refused.err.count("\n") == 1, refused.err
        assert "TWAP_API_KEY is used: unset it and sign in with `twap login`" in refused.err


@pytest.mark.parametrize("way", ["stdin", "environment", "asked"])
async def test_a_password_is_changed_and_this_sign_in_begins_anew(
    signed_in: Twap, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    args, given = ["password"], None
    if way == "stdin":
        args, given = ["password", "--password-stdin"], "correct horse\nbattery staple\n"
    elif way == "asked":
        given = "correct horse\nbattery staple\nbattery staple\n"
    else:
        monkeypatch.setenv("TWAP_PASSWORD", "correct horse")
        monkeypatch.setenv("TWAP_NEW_PASSWORD", "battery staple")
    done = await signed_in(*args, given=given)
    assert (done.code, server.accounts["ada"]) == (0, "battery staple"), done.err
    assert "battery staple" not in done.out + done.err
    assert (await signed_in("whoami")).code == 0
    wrong = await signed_in("password", "--password-stdin", given="correct horse\nbattery staple\n")
    assert wrong.code == 2 and "is not your password" in wrong.err
    assert (await signed_in("whoami")).code == 0


async def test_a_new_password_ends_keys_where_asked(signed_in: Twap, server: ScriptedServer) -> None:
    await signed_in("keys", "create", "bot")
    done = await signed_in(
        "password", "--password-stdin", "--end-keys", given="correct horse\nbattery staple\n"
    )
    assert (done.code, server.api_keys) == (0, {})
    assert "every other sign-in and API key has ended" in done.err


@pytest.mark.parametrize("keys", [[], ["--keys"]])
async def test_signed_out_everywhere(signed_in: Twap, server: ScriptedServer, keys: list[str]) -> None:
    await signed_in("keys", "create", "bot")
    done = await signed_in("logout", "--everywhere", *keys)
    assert done.code == 0 and "everywhere" in done.out
    assert bool(server.api_keys) is not bool(keys) and not server._access
    assert (await signed_in("whoami")).code == 6


async def test_ends_elsewhere_that_were_not_told_are_no_success(
    signed_in: Twap, server: ScriptedServer
) -> None:
    server.cut("DELETE", "/auth/sessions")
    failed = await signed_in("logout", "--everywhere")
    assert failed.code == 6 and "may have ended" in failed.err and failed.out == ""


@pytest.mark.parametrize("width", [60, 80, 120, 10_000])
def test_keys_fit_every_width(width: int) -> None:
    keys = [
        ApiKey.model_validate(
            {
                "key_id": KEY_ID,
                "name": "a name of many words, as long as one may be, and a little more",
                "created": "2026-01-01T12:00:00Z",
                "expires": "2026-02-01T12:00:00Z",
            }
        ),
        ApiKey.model_validate(
            {"key_id": "k2", "name": "[red]x", "created": "2026-01-01T12:00:00Z", "scopes": ["read"]}
        ),
    ]
    lines = drawn(render.keys_table(keys, datetime(2026, 3, 1, tzinfo=UTC)), width)
    text = " ".join(" ".join(lines).split())
    assert not any("…" in line for line in lines)
    assert any(KEY_ID in line for line in lines), "it can be copied"
    assert "ended 2026-02-01 12:00:00" in text and "[red]x" in text and "read trade" in text
    assert "a name of many words, as long as one may be, and a little more" in text
    if width == 10_000:
        assert len(lines) == 3, "a row is a line"


@pytest.mark.skipif(os.name != "posix", reason="a process without a terminal")
@pytest.mark.parametrize(
    ("program", "args", "words"),
    [
        (
            "from twap_client.cli import main; main()",
            ["login", "-u", "ada"],
            "give it with --password-stdin or TWAP_PASSWORD",
        ),
        (
            "from twap_client.cli import main; main()",
            ["password"],
            "give it with --password-stdin or TWAP_PASSWORD",
        ),
        (
            "from twap_server.cli.main import app; app()",
            ["user", "add", "ada"],
            "give it with --password-stdin",
        ),
    ],
)
async def test_where_there_is_no_terminal_nobody_is_asked(
    program: str, args: list[str], words: str, tmp_path: Path
) -> None:
    """What getpass would do is read standard input, and warn that all can see what is typed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TWAP_")}
    done = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        *args,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env=kept | {"TWAP_CONFIG_DIR": str(tmp_path), "TWAP_DATABASE": f"sqlite:///{tmp_path}/x.sqlite3"},
    )
    _, told = await done.communicate()
    said = " ".join(told.decode().replace("│", " ").split())
    assert done.returncode == 2 and words in said and "GetPassWarning" not in said, said
    assert "there is no terminal to ask" in said


async def test_no_other_key_is_advised_where_none_would_do(
    signed_in: Twap, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (await signed_in("keys", "create", "bot")).out.strip()
    monkeypatch.setenv("TWAP_API_KEY", key)
    refused = await signed_in("keys", "list")
    assert refused.code == 1 and "an API key cannot manage API keys" in refused.err
    assert refused.err.endswith("TWAP_API_KEY is used: unset it and sign in with `twap login`\n")


def test_an_answer_that_does_not_come_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The code of an OpenID provider, or an invite, is asked for while a command runs."""
    monkeypatch.setenv("TWAP_CONFIG_DIR", str(tmp_path))

    async def asks(_: session.Session) -> int:
        raise typer.Abort

    assert session.run("http://127.0.0.1:9", False, asks) == session.FAILED
    assert capsys.readouterr().err == "\ntwap: nothing was given where it was asked for\n"
