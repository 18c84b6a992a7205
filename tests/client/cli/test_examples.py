"""The example in each command's help is one that the command understands."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from support.client import Twap
from twap_client.cli.app import app
from twap_client.cli.examples import EXAMPLES


def commands(group: Any, *words: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *words, name)
        else:
            yield " ".join([*words, name]), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_each_command_has_one() -> None:
    assert COMMANDS.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_in_the_help_and_understood(name: str) -> None:
    example = EXAMPLES[name]
    assert COMMANDS[name].epilog == f"Example: {example}"
    assert example.startswith(f"twap {name}")
    arguments = shlex.split(example)[1 + len(name.split()) :]
    assert COMMANDS[name].make_context(name, arguments).params


async def test_help_shows_it(twap: Twap) -> None:
    shown = await twap("cancel", "--help")
    assert "Example: twap cancel k7m2p9xd 3fhq8w2n" in " ".join(shown.out.split())
