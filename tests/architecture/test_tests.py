"""Tests stand where what they test stands: their folders mirror the packages, and what they name exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PACKAGES = TESTS.parent / "packages"
MIRRORS = {
    "server": PACKAGES / "twap-server/src/twap_server",
    "client": PACKAGES / "twap-client/src/twap_client",
    "models": PACKAGES / "twap-models/src/twap_models",
}
ACROSS = {
    "architecture": "what imports and syntax must not say",
    "bites": "guards that are removed, and the tests that notice",
    "contract": "server and client as processes, from outside",
    "crash": "killed servers and restarted databases, and the checker of what they keep",
    "docs": "pages and code say the same",
    "fuzz": "mutated frames and bodies",
    "races": "the benchmark against other programs",
    "siege": "attackers beside users",
    "simulation": "the whole server under virtual time",
    "supply": "what is in a build",
    "support": "helpers of all, and the tests of those that need some",
}
"""Folders that name no package: they test across all of them."""


def mirrored() -> Iterator[tuple[Path, Path]]:
    """Each file of a mirroring folder, and the folder of the package it belongs to."""
    for name, package in MIRRORS.items():
        for file in sorted((TESTS / name).rglob("*.py")):
            yield file, package / file.parent.relative_to(TESTS / name)


def test_folders_mirror_the_packages_or_are_listed() -> None:
    folders = {path.name for path in TESTS.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert folders == MIRRORS.keys() | ACROSS.keys()
    missing = [file.relative_to(TESTS).as_posix() for file, room in mirrored() if not room.is_dir()]
    assert missing == []


def test_mirroring_folders_hold_tests_only() -> None:
    names = [file for file, _ in mirrored() if not file.name.startswith("test_")]
    assert [file.relative_to(TESTS).as_posix() for file in names if file.name != "conftest.py"] == []


@pytest.mark.parametrize("name", MIRRORS)
def test_what_a_docstring_names_exists(name: str) -> None:
    """A path at the start of a docstring is a file or a folder of the package."""
    missing = []
    for file in sorted((TESTS / name).rglob("test_*.py")):
        says = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        assert says, f"{file} says not what it tests"
        named = re.findall(r"(?:^|[ `])((?:\w+/)+(?:\w+\.py)?)(?=[\s:`,.]|$)", says)
        missing += [(file.name, path) for path in named if not (MIRRORS[name] / path).exists()]
    assert missing == []


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_of_a_test(module: str) -> bool:
    """A test module, or one that stands among tests: what several need is in ``support``."""
    first, *others = module.split(".")
    return first in MIRRORS or any(
        name == "conftest" or name.startswith("test_") for name in (first, *others)
    )


def test_nothing_imports_from_a_test() -> None:
    found = [
        f"{file.relative_to(TESTS).as_posix()} imports {module}"
        for file in sorted(TESTS.rglob("*.py"))
        for module in imported(ast.parse(file.read_text(encoding="utf-8")))
        if is_of_a_test(module)
    ]
    assert found == []


def test_an_import_from_a_test_is_seen() -> None:
    for line in ("import server.api.desk", "from client import x", "from crash.test_loops import y"):
        assert any(map(is_of_a_test, imported(ast.parse(line)))), line
    for line in (
        "from support.api.desk import Desk",
        "from docs.pages import PAGES",
        "import twap_server.api",
    ):
        assert not any(map(is_of_a_test, imported(ast.parse(line)))), line
