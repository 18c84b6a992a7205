"""Where a sign-in cannot be kept: one line says what to set, before the server is asked for anything."""

import asyncio
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twap_client.cli.app import app
from twap_client.cli.credentials import CredentialFile, config_dir
from twap_client.config import ClientConfig, Tokens
from twap_client.errors import InvalidSetting
from twap_client.testing import ScriptedServer

NAMED = ["--username", "ada", "--password", "correct horse"]
TOKENS = Tokens(access_token="a", refresh_token="r", expires_at=0)


@pytest.fixture(params=["no home", "no folder"])
def homeless(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home folder, and one whose home cannot be written."""

    def nobody(_: int) -> None:
        raise KeyError

    for name in ("TWAP_CONFIG_DIR", "TWAP_API_KEY", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    if request.param == "no home":
        monkeypatch.setattr("pwd.getpwuid", nobody)
    else:
        (tmp_path / "home").write_text("a file, where a folder should be")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("command", ["login", "register"])
async def test_one_line_says_what_to_set_and_nothing_is_sent(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, command: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWAP_SERVER_URL", server.url)
    before = sorted(os.listdir(tmp_path))
    result = await asyncio.to_thread(CliRunner().invoke, app, [command, *NAMED])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "TWAP_CONFIG_DIR" in line and "TWAP_API_KEY" in line
    assert server.requests == []
    assert sorted(os.listdir(tmp_path)) == before, "no folder of the name ~"


@pytest.mark.usefixtures("homeless")
async def test_what_needs_no_sign_in_works(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWAP_SERVER_URL", server.url)
    for command, code in ((["exchanges"], 0), (["logout"], 0), (["orders"], 6)):
        result = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert (result.exit_code, "Traceback" in result.output) == (code, False), result.output


@pytest.mark.usefixtures("homeless")
def test_the_store_says_so_too() -> None:
    store = CredentialFile("http://127.0.0.1:8000")
    assert store.load() is None
    store.save(None)
    with pytest.raises(InvalidSetting, match="TWAP_CONFIG_DIR"):
        store.save(TOKENS)


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TWAP_CONFIG_DIR", "~/desk")
    assert config_dir() == tmp_path / "desk"
    CredentialFile("http://127.0.0.1:8000").save(TOKENS)
    assert (tmp_path / "desk" / "credentials.json").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("TWAP_SERVER_URL", "tcp://10.96.0.17:8000"), ("TWAP_TIMEOUT", "soon"), ("TWAP_CONNECT_TIMEOUT", "-1")],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=f"^{name}: expected"):
        ClientConfig.from_env({name: value})


def test_what_kubernetes_sets_for_its_services_is_not_read() -> None:
    links = {
        "TWAP_PORT": "tcp://10.96.0.17:8000",
        "TWAP_SERVICE_HOST": "10.96.0.17",
        "TWAP_SERVER_PORT": "tcp://x",
    }
    assert ClientConfig.from_env(links) == ClientConfig()
