"""A disk that loses power or fails: what a process wrote and synced, in order, and what was left of it.

``disk.c`` is compiled on first use and loaded into the process under test; Linux with a C compiler only.
"""

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SOURCE = Path(__file__).with_name("disk.c")
_HEAD = struct.Struct("<cqII")


def why_not() -> str:
    """Why there can be no such disk here; empty when there can."""
    if sys.platform != "linux":
        return "needs Linux: LD_PRELOAD and /proc"
    return "" if shutil.which("cc") else "needs a C compiler (cc)"


@dataclass(frozen=True, slots=True)
class Call:
    """One write, truncate, sync or unlink that succeeded; the folder itself has an empty name."""

    kind: str
    name: str
    offset: int
    data: bytes


class Disk:
    """Watches a folder of the processes that get its ``environment``."""

    def __init__(self, watched: Path, own: Path) -> None:
        self._watched, self._log, self._fail = watched, own / "disk.log", own / "disk.fail"
        self._library = own / "disk.so"
        command: list[str | Path] = [
            "cc",
            "-O1",
            "-shared",
            "-fPIC",
            "-o",
            self._library,
            _SOURCE,
            "-ldl",
            "-lpthread",
        ]
        subprocess.run(command, check=True, capture_output=True)

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the process under test."""
        return {
            "LD_PRELOAD": str(self._library),
            "TESTED_DISK_FOLDER": str(self._watched),
            "TESTED_DISK_LOG": str(self._log),
            "TESTED_DISK_FAIL": str(self._fail),
        }

    def fail(self, number: int, *, syncs: bool = False) -> None:
        """Let every write, or every sync, fail with this errno until :meth:`mend`."""
        fresh = self._fail.with_suffix(".new")
        fresh.write_text(f"{number} {'s' if syncs else 'w'}")
        os.replace(fresh, self._fail)

    def mend(self) -> None:
        """Let everything succeed again."""
        self._fail.unlink()

    def calls(self) -> list[Call]:
        """Everything written and synced until now."""
        return list(self._read())

    def _read(self) -> Iterator[Call]:
        content = self._log.read_bytes()
        at = 0
        while at < len(content):
            kind, offset, length, size = _HEAD.unpack_from(content, at)
            at += _HEAD.size
            name = content[at : at + length].decode().removeprefix(str(self._watched)).lstrip("/")
            at += length
            yield Call(kind.decode(), name, offset, content[at : at + size])
            at += size


@dataclass(slots=True)
class _File:
    kept: bytearray = field(default_factory=bytearray)
    unsynced: list[Call] = field(default_factory=list)
    is_listed: bool = False
    """Whether its entry in the folder was synced."""


def left_after_power_loss(calls: list[Call], rng: random.Random) -> dict[str, bytes]:
    """The files when power fails now: any part of what was not synced survives, one write torn.

    A file that was made or unlinked since its folder was synced may be there or not.
    """
    files: dict[str, _File] = {}
    gone: dict[str, _File] = {}
    for call in calls:
        if call.name == "" and call.kind == "s":
            gone.clear()
            for file in files.values():
                file.is_listed = True
        elif call.kind == "u":
            gone[call.name] = files.pop(call.name, _File())
        elif call.name:
            _note(files.setdefault(call.name, _File()), call)
    back = {name: file for name, file in gone.items() if name not in files}
    left = {name: _lose(file, rng) for name, file in (back | files).items()}
    return {
        name: content
        for name, content in left.items()
        if (name in files and files[name].is_listed) or rng.random() < 0.5
    }


def _note(file: _File, call: Call) -> None:
    file.unsynced.append(call)
    if call.kind == "s":
        for done in file.unsynced:
            _apply(file.kept, done)
        file.unsynced.clear()


def _lose(file: _File, rng: random.Random) -> bytes:
    survivors = [call for call in file.unsynced if rng.random() < 0.5]
    for call in survivors[:-1]:
        _apply(file.kept, call)
    for torn in survivors[-1:]:
        cut = rng.randrange(len(torn.data) + 1)
        _apply(file.kept, Call(torn.kind, torn.name, torn.offset, torn.data[:cut]))
    return bytes(file.kept)


def _apply(content: bytearray, call: Call) -> None:
    if call.kind == "t":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
    elif call.kind == "w":
        at = len(content) if call.offset < 0 else call.offset
        content.extend(bytes(max(0, at - len(content))))
        content[at : at + len(call.data)] = call.data
