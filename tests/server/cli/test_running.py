"""What the commands of ``twap-server`` share."""

import fcntl
import inspect
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from twap_models import __version__
from twap_server.cli.main import app
from twap_server.cli.running import Commands, fitted, fitting, say

_COLUMNS = 60
_AT_ONCE = ["--at", "+10s", "--exchange", "binance", "--symbol", "BTC-USDT", "--quantity", "1"]


def test_a_line_that_the_terminal_cannot_show_is_said_with_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a backup whose file has an odd name: it is done, and must not end in an error."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    say("b\udcff: 12 Büros")
    assert written.getvalue() == b"b\\udcff: 12 B\\xfcros\n"


_SAYING = """
from twap_server.cli.main import take_closed_streams
take_closed_streams()
from twap_server.cli.running import remark, run_announcing, say
import sys
async def work(announce):
    announce("listens")
assert not sys.stdin.read(), "nobody is there"
say("answer"); remark("aside"); run_announcing(work)
raise SystemExit(7)
"""


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_streams_that_were_closed_before_the_start_take_everything(closed: str) -> None:
    command = ["bash", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, _SAYING]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode == 7, ended.stderr


def test_a_line_fits_its_terminal_and_goes_on_set_in() -> None:
    line = "  shortfall -13.14 bps: delay 0, timing -13.17, spread +0.02560, depth +0.003400, fees 0"
    shown = fitting(line, 80).splitlines()
    assert max(map(len, shown)) <= 80 and len(shown) == 2
    assert shown[0].startswith("  shortfall") and shown[1].startswith("    ")
    assert " ".join(one.strip() for one in shown) == line.strip()


def test_a_long_name_stays_in_one_piece() -> None:
    name = "/a/very/long/folder/" + 80 * "x"
    assert fitting(f"cannot read {name}: gone", 80).splitlines() == ["cannot read", f"  {name}:", "  gone"]


def test_what_fits_is_left_as_it_is_and_lines_are_kept() -> None:
    assert fitting("name    role", 80) == "name    role"
    terminal = _Terminal()
    assert fitted("one\n\ntwo  three", terminal) == "one\n\ntwo  three"
    assert max(map(len, fitted("words " * 40, terminal).split("\n"))) <= 80
    assert fitted("words " * 40, io.StringIO()) == "words " * 40


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_help_lists_every_command_by_what_it_is_for() -> None:
    """A new command needs its place: the help itself fails without."""
    shown = CliRunner().invoke(app, ["--help"]).output
    places = [shown.index(f"│ {name} ") for name in Commands.order]
    assert places == sorted(places)


@pytest.mark.parametrize("command", [[], ["start"], ["recordings"], ["recordings", "cut"], ["user", "add"]])
def test_flags_take_nothing_in_the_help(command: list[str]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"]).output
    assert "--help" in shown and "<bool>" not in shown


@pytest.mark.parametrize("command", [[], ["start"], ["recordings", "cut"], ["user", "add"]])
def test_a_short_option_shows_the_help(command: list[str]) -> None:
    shown = CliRunner().invoke(app, [*command, "-h"])
    assert shown.exit_code == 0 and shown.output == CliRunner().invoke(app, [*command, "--help"]).output


def test_the_version_is_an_option_too() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert shown.exit_code == 0 and shown.output == f"twap-server {__version__}\n"


def _commands(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        yield from _commands(command) if hasattr(command, "commands") else [command]


def test_below_its_first_paragraph_a_help_breaks_lines_between_sentences_only() -> None:
    """There the terminal shows lines as they are written, however wide it is."""
    for command in _commands(typer.main.get_command(app)):
        _, _, rest = inspect.cleandoc(command.help).partition("\n\n")
        assert [line for line in rest.splitlines() if line and not line.endswith(".")] == [], command.name


def _shown(*arguments: str) -> list[str]:
    """What a terminal of 60 columns shows of a command."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, _COLUMNS, 0, 0))
    command = [sys.executable, "-m", "twap_server", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    read = b""
    try:
        while part := os.read(ours, 65_536):
            read += part
    except OSError:
        pass  # Linux says so that the other side is closed
    os.close(ours)
    process.wait()
    return read.decode().splitlines()


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "a proof that is not there", "--recording", "no folder of recordings at all"],
        ["tournament", "a tournament that nobody wrote.toml"],
        ["what-if", "a recording of no exchange", *_AT_ONCE],
        ["start", "--exchange", "an exchange of which nobody has heard so far"],
        ["recordings", "list", "a folder of recordings that is not there, or was taken away"],
    ],
)
def test_every_command_says_what_fails_without_breaking_words(arguments: list[str]) -> None:
    lines = _shown(*arguments)
    assert lines and lines[0].startswith("twap-server: "), lines
    assert max(map(len, lines)) <= _COLUMNS, lines
