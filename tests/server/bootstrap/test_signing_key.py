"""The file of the signing key: whole or absent, beside the database, and named where it cannot be used."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from twap_server import settings
from twap_server.bootstrap.signing_key import signing_key, tell_shared_folder
from twap_server.domain.errors import InvalidRequest, UnavailableError


def on(database: str, **more: Any) -> settings.Settings:
    return settings.load(file=None, flags={"database": database, **more}, environment={})


def write(file: Path, content: bytes, mode: int = 0o600) -> None:
    file.write_bytes(content)
    file.chmod(mode)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "signing.key"


@pytest.fixture
def loaded(file: Path) -> settings.Settings:
    return on(f"sqlite:///{file.parent}/twap.sqlite3")


def test_the_first_start_makes_it_and_the_next_reads_it(file: Path, loaded: settings.Settings) -> None:
    key = signing_key(loaded)
    assert len(key) >= 32
    assert file.read_bytes() == key == signing_key(loaded)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(("given", "words"), [("k" * 31, "at least 32"), ("\udcff" * 40, "UTF-8")])
def test_a_given_one_that_cannot_be_used_is_told(given: str, words: str) -> None:
    """Bytes of the environment that are no UTF-8 come as halves of surrogate pairs."""
    with pytest.raises(InvalidRequest, match=f"signing_key must .*{words}"):
        signing_key(on("sqlite:///a.db", signing_key=given))


@pytest.mark.parametrize("killed_in", ["write", "fsync", "replace"])
def test_a_start_killed_in_the_middle_leaves_no_part_of_a_key(
    file: Path, loaded: settings.Settings, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    place = {"write": (os, "fdopen"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[killed_in]
    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(*place, die)
        signing_key(loaded)
    assert not file.exists()
    assert signing_key(loaded) == file.read_bytes()
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("content", ["", "\n", "  \n "])
def test_an_empty_one_is_made_anew(
    file: Path, loaded: settings.Settings, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    write(file, content.encode())
    key = signing_key(loaded)
    assert len(key) >= 32
    assert file.read_bytes() == key
    assert str(file) in caplog.text


@pytest.mark.parametrize("content", [b"x" * 31, b"abc\n", "ü".encode() * 40, b"\xff" * 64])
def test_one_that_is_no_key_is_named_and_kept(file: Path, loaded: settings.Settings, content: bytes) -> None:
    file.parent.mkdir()
    write(file, content)
    with pytest.raises(InvalidRequest, match="delete it") as refused:
        signing_key(loaded)
    assert str(file) in str(refused.value)
    assert file.read_bytes() == content


def test_a_line_end_is_no_part_of_it(file: Path, loaded: settings.Settings) -> None:
    file.parent.mkdir()
    write(file, b"k" * 43 + b"\n")
    assert signing_key(loaded) == b"k" * 43


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666, 0o620])
def test_one_that_others_may_read_or_write_is_refused(
    file: Path, loaded: settings.Settings, mode: int
) -> None:
    signing_key(loaded)
    before = file.read_bytes()
    file.chmod(mode)
    with pytest.raises(InvalidRequest, match=rf"mode {mode:04o}.*chmod 600 {file}.*delete it") as refused:
        signing_key(loaded)
    assert "\n" not in str(refused.value) and before.decode() not in str(refused.value)
    file.chmod(0o600)
    assert signing_key(loaded) == before


def test_one_that_belongs_to_another_user_is_refused(
    file: Path, loaded: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing_key(loaded)
    own = os.geteuid()
    if own == 0:
        os.chown(file, 12_345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    with pytest.raises(InvalidRequest, match=r"belongs to another user.*chown"):
        signing_key(loaded)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused_at_once(file: Path, loaded: settings.Settings, kind: str) -> None:
    file.parent.mkdir()
    file.mkdir() if kind == "folder" else os.mkfifo(file, 0o600)
    with pytest.raises(InvalidRequest, match="is no file"):
        signing_key(loaded)


@pytest.mark.parametrize(("mode", "is_told"), [(0o777, True), (0o1777, True), (0o755, False), (0o700, False)])
def test_a_folder_where_others_may_write_is_told(
    file: Path, loaded: settings.Settings, mode: int, is_told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.parent.chmod(mode)
    tell_shared_folder(loaded)
    assert (f"chmod 700 {file.parent}" in caplog.text) is is_told


def test_a_start_refuses_a_shared_key_in_one_line(file: Path, loaded: settings.Settings) -> None:
    signing_key(loaded)
    file.chmod(0o644)
    command = [sys.executable, "-m", "twap_server", "start", "--port", "0", "--exchange", "binance"]
    variables = {
        "TWAP_DATABASE": loaded.database_url,
        "TWAP_EXCHANGES__BINANCE__REST_URL": "http://127.0.0.1:9",
    }
    start = subprocess.run(
        command, env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False
    )
    assert start.returncode == 2
    assert start.stderr.splitlines()[-1].startswith(f"twap-server: the signing key {file} has mode 0644")
    assert "Traceback" not in start.stderr


def test_a_folder_that_cannot_be_made_is_told_with_what_to_set(file: Path, loaded: settings.Settings) -> None:
    file.parent.write_text("a file, where a folder should be")
    with pytest.raises(UnavailableError, match="TWAP_SIGNING_KEY") as refused:
        signing_key(loaded)
    assert str(file) in str(refused.value)


def test_the_given_one_needs_no_file(file: Path, loaded: settings.Settings) -> None:
    given = on(f"sqlite:///{file.parent}/twap.sqlite3", signing_key="k" * 32)
    assert signing_key(given) == b"k" * 32
    assert not file.parent.exists()
    with pytest.raises(InvalidRequest, match="32"):
        signing_key(on("sqlite:///x", signing_key="k" * 31))


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite"])
def test_home_is_expanded_once_for_database_and_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    loaded = on(f"{scheme}:///~/desk/twap.sqlite3")
    assert loaded.database_url == f"{scheme}:///{tmp_path}/desk/twap.sqlite3"
    signing_key(loaded)
    assert (tmp_path / "desk" / "signing.key").exists()


def test_home_of_nobody_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"database.*whole path"):
        on("sqlite:///~nobody-has-this-name/twap.sqlite3")


def test_the_settings_file_may_be_below_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "twap.toml").write_text("port = 8001\n")
    assert settings.load(file=Path("~/twap.toml"), flags={}, environment={}).port == 8001
