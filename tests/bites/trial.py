"""Run tests on a copy of the code, in a fork of this process, which has the libraries loaded.

A process of its own for each run would spend most of its time on importing what no guard is in.
"""

import compileall
import importlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import NoReturn

import pytest

PACKAGES = ("twap-models", "twap-server", "twap-client")
GREEN, RED = "green", "red"
_LIBRARIES = (
    "aiosqlite",
    "alembic.command",
    "argon2",
    "authlib.integrations.httpx_client",
    "authlib.oidc.core",
    "fastapi.openapi.utils",
    "httpx",
    "hypothesis.strategies",
    "joserfc.jwt",
    "limits.aio.strategies",
    "looptime",
    "msgspec",
    "prometheus_client",
    "psutil",
    "pydantic",
    "pytest_asyncio",
    "rich.console",
    "rich.table",
    "sqlalchemy.ext.asyncio",
    "typer.testing",
    "uvicorn",
    "websockets.asyncio.client",
    "websockets.asyncio.server",
)
"""Of others, and slow to import; one that is missing here is imported by the tests that need it."""
_QUIET = ("-q", "-x", "--no-header", "-p", "no:cacheprovider", "--hypothesis-profile", "thorough")
_LOADED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Plugins are loaded already, and their own asserts are not what is tried."""


def load_libraries() -> None:
    """Import what every run needs, once; nothing of ours, for that is what the runs differ in."""
    with warnings.catch_warnings(record=True):  # some have advice for their developers
        for name in _LIBRARIES:
            importlib.import_module(name)
    assert not [name for name in sys.modules if name.startswith("twap_")]


def copy_code(root: Path, to: Path) -> None:
    """Copy packages and tests. Compiled modules are checked by content: a changed file is compiled anew."""
    for name in ("packages", "tests"):
        shutil.copytree(root / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", to)
    compileall.compile_dir(to / "packages", quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


def run(tests: Sequence[str], copy: Path, within_s: float) -> tuple[str, str]:
    """Run these tests, relative to ``tests``, on the copy; give how they ended, and all that was said."""
    with tempfile.TemporaryFile() as said:
        fork = multiprocessing.get_context("fork").Process(target=_in_fork, args=(tests, copy, said.fileno()))
        fork.start()
        fork.join(within_s)
        is_over = fork.exitcode is not None
        if not is_over:
            os.killpg(fork.pid or 0, signal.SIGKILL)
            fork.join()
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    if not is_over:
        return "hangs", words
    if fork.exitcode == 0 and " passed" not in words:
        return "skipped", words
    return {0: GREEN, 1: RED}.get(fork.exitcode or 0, f"exit {fork.exitcode}"), words


def _in_fork(tests: Sequence[str], copy: Path, said: int) -> NoReturn:
    os.setsid()  # one signal ends this process and all that it starts
    for stream in (1, 2):
        os.dup2(said, stream)
    os.chdir(copy)
    sources = [str(copy / "packages" / name / "src") for name in PACKAGES]
    sys.path[:] = sources + [place for place in sys.path if Path(place).name not in {"scripts", "tests"}]
    os.environ["PYTHONPATH"] = os.pathsep.join(sources)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(copy / ".hypothesis")
    sys.exit(int(pytest.main([*_QUIET, *_LOADED, *(str(copy / "tests" / test) for test in tests)])))
