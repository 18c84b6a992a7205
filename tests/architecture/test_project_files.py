"""What the public repository says in several files is the same in all: Pythons, and versions of linters."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGES = ("twap-models", "twap-client", "twap-server")


def read_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def project_file(package: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text("utf-8"))


def pythons_of(package: str) -> list[str]:
    """Versions among the classifiers, as ``3.11``."""
    classifiers = project_file(package)["project"]["classifiers"]
    return [one.rpartition(" ")[2] for one in classifiers if re.search(r":: 3\.\d+$", one)]


def test_hooks_run_the_versions_that_are_pinned() -> None:
    pinned = set((ROOT / "requirements/constraints.txt").read_text("utf-8").splitlines())
    hooks = [hook for repo in read_yaml(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    installed = {one for hook in hooks for one in hook.get("additional_dependencies", ())}
    assert {one.partition("==")[0] for one in installed} == {"ruff", "check-jsonschema"}
    assert installed <= pinned


@pytest.mark.parametrize("package", PACKAGES)
def test_ci_runs_the_one_check_on_every_python_that_a_package_names(package: str) -> None:
    job = read_yaml(".github/workflows/ci.yml")["jobs"]["check"]
    assert job["strategy"]["matrix"]["python"] == pythons_of(package)
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert project_file(package)["project"]["requires-python"] == f">={pythons_of(package)[0]}"


def test_wheels_are_built_for_the_same_pythons() -> None:
    built = project_file("twap-server")["tool"]["cibuildwheel"]["build"]
    assert built == [f"cp{version.replace('.', '')}-*" for version in pythons_of("twap-server")]


def test_workflows_may_only_read() -> None:
    for file in sorted((ROOT / ".github/workflows").glob("*.yml")):
        assert yaml.safe_load(file.read_text("utf-8"))["permissions"] == {"contents": "read"}, file.name


def test_every_workflow_and_template_is_held_against_its_schema() -> None:
    checked = tomllib.loads((ROOT / "hatch.toml").read_text("utf-8"))["envs"]["check"]["scripts"]["forge"]
    named = {word for command in checked for word in command.split() if word.startswith(".github/")}
    there = {file.relative_to(ROOT).as_posix() for file in (ROOT / ".github").rglob("*.yml")}
    assert named == there
