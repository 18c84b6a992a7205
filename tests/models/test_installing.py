"""The command that installs a package of this project names folders that are there."""

import re

import pytest

from docs.pages import ROOT
from twap_models.installing import pip_install


@pytest.mark.parametrize("package", ["client", "server"])
def test_it_names_folders_of_a_checkout(package: str) -> None:
    folders = re.findall(r"\./([\w/-]+)", pip_install(package))
    assert [(ROOT / folder / "pyproject.toml").is_file() for folder in folders] == [True, True]


def test_an_extra_stands_in_brackets_that_no_shell_takes_for_its_own() -> None:
    expected = "pip install ./packages/twap-models './packages/twap-client[tui]'"
    assert pip_install("client", "tui") == expected
