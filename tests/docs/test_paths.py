"""Files and classes that the docs and the modules' docstrings name exist."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from docs.pages import ROOT

PACKAGES = [ROOT / f"packages/twap-{name}/src/twap_{name}" for name in ("server", "client", "models")]
BASES = [ROOT, ROOT / "tests", *PACKAGES, *(package.parent for package in PACKAGES)]
"""A path may begin at any of these."""
PAGES = [page.relative_to(ROOT).as_posix() for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))]
HISTORY = "CHANGELOG.md"
_PATH = re.compile(r"`{1,2}((?:[\w.-]+/)*[\w-]+\.(?:py|pyx|md|toml|css))(?:::\w+)?`{1,2}")
_CLASS = re.compile(r"`{1,2}([A-Z][a-z]+(?:[A-Z][a-z]+)+)`{1,2}")
_MODULE = re.compile(r"python -m ((?:benchmarks|scripts)\.[\w.]*\w)")
_SCRIPT = re.compile(r"hatch run ([\w-]+(?::[\w-]+)?)")
PROGRAMS = {"python", "pytest", "twap", "twap-server"}
"""What ``hatch run`` finds without a script."""
FOREIGN = {"rest-api.md", "web-socket-streams.md", "profiles.toml", "tournament.toml"}
"""Pages of Binance's manual, and files of the user's: not files of this project."""


@cache
def sources() -> list[tuple[Path, ast.Module]]:
    """Every module of the packages, parsed."""
    files = sorted(file for package in PACKAGES for file in package.rglob("*.py"))
    return [(file, ast.parse(file.read_text(encoding="utf-8"))) for file in files]


@cache
def names() -> frozenset[str]:
    """Names of files anywhere in the project, for those that are named without a folder."""
    folders = ("packages", "tests", "docs", "scripts", "benchmarks", "examples")
    return frozenset(file.name for folder in folders for file in (ROOT / folder).rglob("*.*"))


@cache
def classes() -> frozenset[str]:
    """Names that a docstring may write in capitals: classes, and types given a name."""
    found = {node.name for _, tree in sources() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for _, tree in sources():
        found |= {str(one.target.id) for one in tree.body if _is_alias(one)}  # type: ignore[union-attr]
        found |= {one.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for one in node.names}
    return frozenset(found)


def _is_alias(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def missing(text: str, near: Path) -> Iterator[str]:
    """Paths in a text that lead to no file."""
    for path in _PATH.findall(text):
        is_there = any((base / path).is_file() for base in (*BASES, near))
        if not is_there and not ("/" not in path and path in names()) and path not in FOREIGN:
            yield path


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY])
def test_files_that_a_page_names_exist(page: str) -> None:
    assert list(missing((ROOT / page).read_text(encoding="utf-8"), ROOT / "docs")) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY])
def test_modules_and_scripts_that_a_page_runs_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    modules = [ROOT / f"{name.replace('.', '/')}.py" for name in _MODULE.findall(text)]
    assert [file for file in modules if not file.is_file()] == []
    assert [name for name in _SCRIPT.findall(text) if not _is_script(*name.rpartition(":")[::2])] == []


def _is_script(environment: str, name: str) -> bool:
    """Whether Hatch knows it; without a script, the environment runs any program."""
    known: dict[str, Any] = tomllib.loads((ROOT / "hatch.toml").read_text(encoding="utf-8"))["envs"]
    scripts = known.get(environment or "default", {}).get("scripts", {})
    return name in scripts or (not environment and name in PROGRAMS)


def test_files_that_docstrings_name_exist() -> None:
    wrong = {
        file.name: found
        for file, tree in sources()
        if (found := list(missing(ast.get_docstring(tree) or "", file.parent)))
    }
    assert wrong == {}


def test_classes_that_the_walks_and_docstrings_name_exist() -> None:
    texts = {"docs/walks.md": (ROOT / "docs/walks.md").read_text(encoding="utf-8")}
    texts |= {file.name: ast.get_docstring(tree) or "" for file, tree in sources()}
    wrong = {where: set(_CLASS.findall(text)) - classes() for where, text in texts.items()}
    assert {where: found for where, found in wrong.items() if found} == {}


def test_a_path_that_leads_nowhere_is_found() -> None:
    said = "`engine/gone.py` beside `engine/engine.py` and ``nowhere_at_all.py``"
    assert list(missing(said, ROOT)) == ["engine/gone.py", "nowhere_at_all.py"]
