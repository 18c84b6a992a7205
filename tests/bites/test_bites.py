"""The table of guards cannot rot: each line is there once, each named test exists, each P0 case has a guard.

The removal itself is ``hatch run bite``, a step of CI of its own.
"""

import ast
from pathlib import Path

import pytest

from bites.case import Bite
from bites.cases import BITES

ROOT = Path(__file__).parents[2]
P0 = {f"F{number}" for number in (18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 33, 34, 36, 37)}


@pytest.mark.parametrize("bite", BITES, ids=lambda bite: f"{bite.fault}: {bite.guard}")
def test_the_guard_is_where_the_table_says(bite: Bite) -> None:
    whole = (ROOT / bite.path).read_text(encoding="utf-8")
    assert whole.count(bite.line) == 1
    ast.parse(whole.replace(bite.line, bite.instead))
    for test in bite.tests:
        file, _, name = test.partition("::")
        assert name in _tests_of(ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8")).body)


def _tests_of(body: list[ast.stmt], within: str = "") -> set[str]:
    """Names as pytest writes them: ``test``, or ``Class::test``."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(within + node.name)
        elif isinstance(node, ast.ClassDef):
            found |= _tests_of(node.body, f"{within}{node.name}::")
    return found


def test_every_p0_case_of_the_engine_and_the_store_has_a_guard() -> None:
    assert {bite.fault for bite in BITES} >= P0
