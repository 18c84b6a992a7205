"""What a package imports it declares, and what it declares has a lower bound, the same in all three."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from scripts import lowest_versions

ROOT = Path(__file__).parents[2]
PACKAGES = ("twap-models", "twap-client", "twap-server")
COMES_WITH = {
    "argon2-cffi": "pwdlib",
    "pydantic-core": "pydantic",
    "httptools": "uvicorn",
    "uvloop": "uvicorn",
}
"""Parts of a dependency that are packages of their own."""


def declared(package: str) -> dict[str, set[str]]:
    """Ranges by dependency, extras included."""
    project = tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    found: dict[str, set[str]] = defaultdict(set)
    for text in [*project["dependencies"], *(one for extra in extras for one in extra)]:
        name, _, bounds = re.fullmatch(r"([A-Za-z0-9-]+)(\[[a-z0-9,]+\])?(.*)", text).groups()  # type: ignore[union-attr]
        found[name].add(bounds)
    return found


def imported(package: str) -> set[str]:
    """Names of the distributions that the package's code imports, wherever it does."""
    modules = set()
    for file in (ROOT / "packages" / package / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.partition(".")[0])
    known = packages_distributions()
    foreign = modules - set(sys.stdlib_module_names) - {package.replace("-", "_")}
    return {re.sub(r"[._]", "-", known.get(module, [module])[0]).lower() for module in foreign}


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_imported_is_declared(package: str) -> None:
    wanted = {COMES_WITH.get(name, name) for name in imported(package)}
    assert wanted - set(declared(package)) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_declared_has_a_lower_bound(package: str) -> None:
    for name, ranges in declared(package).items():
        for bounds in ranges:
            assert re.match(r">=\d", bounds), (name, bounds)


def test_a_dependency_has_one_range() -> None:
    ranges: dict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for name, found in declared(package).items():
            ranges[name] |= found
    assert {name: found for name, found in ranges.items() if len(found) > 1} == {}


def test_the_lowest_versions_of_everything_declared_are_tried() -> None:
    for package in PACKAGES:
        project = tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text("utf-8"))[
            "project"
        ]
        extras = ",".join(sorted(project.get("optional-dependencies", {})))
        assert f"packages/{package}" + (f"[{extras}]" if extras else "") in lowest_versions.PACKAGES
    assert len(lowest_versions.PACKAGES) == len(PACKAGES)
    assert [test for test in lowest_versions.TESTS if not (ROOT / test).exists()] == []
