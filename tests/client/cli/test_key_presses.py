"""Keys: each by its name, and one ends a wait at once."""

import asyncio
import os
import pty
import sys
import termios
from collections.abc import Iterator

import pytest

from twap_client.cli.key_presses import KeyPresses


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Give the other end of a terminal that is our standard input."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield ours
    os.close(ours)


async def pressed(keys: KeyPresses) -> str | None:
    try:
        async with asyncio.timeout(10) as wait:
            keys.end(wait)
            await asyncio.Event().wait()
    except TimeoutError:
        assert asyncio.get_running_loop().time() < wait.when() + 5  # type: ignore[operator]
    return keys.take()


@pytest.mark.parametrize(
    ("typed", "name"),
    [(b"q", "q"), (b"\x1b[A", "up"), (b"\x1b[B", "down"), (b"\r", "enter"), (b"\x1b", "escape")],
)
async def test_a_key_ends_the_wait_and_has_a_name(keyboard: int, typed: bytes, name: str) -> None:
    before = termios.tcgetattr(sys.stdin)
    with KeyPresses() as keys:
        assert keys.take() is None
        os.write(keyboard, typed)
        assert (await pressed(keys), keys.take()) == (name, None)
    assert termios.tcgetattr(sys.stdin) == before


async def test_keys_typed_at_once_are_each_taken(keyboard: int) -> None:
    with KeyPresses() as keys:
        os.write(keyboard, b"jc")
        assert (await pressed(keys), await pressed(keys)) == ("j", "c")


def test_without_a_terminal_no_key_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with KeyPresses() as keys:
            assert keys.take() is None
