"""Get names and passwords: from an option, standard input, the environment, or by asking.

In this order, the first that is there. Nothing here prints or keeps them. No network library.
"""

import getpass
import os
import sys
import warnings

import typer

_LONGEST_LINE = 4_096


def username(given: str | None, *, from_stdin: bool) -> str:
    """Give the user's name.

    Raises:
        BadParameter: it is not there, and nobody can be asked: standard input holds the password.
    """
    known = given or os.environ.get("TWAP_USERNAME")
    if not known and from_stdin:
        raise typer.BadParameter(
            "say who signs in: standard input holds the password alone", param_hint="--username"
        )
    return known or _name()


def password(given: str | None, *, from_stdin: bool, confirm: bool = False) -> str:
    """Give the password; one that is asked for is asked for twice where ``confirm`` says so.

    Raises:
        BadParameter: there are two, or standard input holds none, or nobody can be asked.
    """
    if given and from_stdin:
        raise typer.BadParameter("is given twice", param_hint="--password, --password-stdin")
    if from_stdin:
        return _line("one line, the password")
    known = given or os.environ.get("TWAP_PASSWORD")
    return known or _asked("Password", confirm=confirm)


def change(*, from_stdin: bool) -> tuple[str, str]:
    """Give the password there is and the new one.

    Raises:
        BadParameter: standard input holds fewer than two lines.
    """
    if from_stdin:
        expected = "two lines, the current password and the new one"
        return _line(expected), _line(expected)
    current = os.environ.get("TWAP_PASSWORD") or _asked("Current password")
    return current, os.environ.get("TWAP_NEW_PASSWORD") or _asked("New password", confirm=True)


def _name() -> str:
    try:
        return str(typer.prompt("Username", err=True))
    except typer.Abort:
        typer.echo(err=True)
        raise typer.BadParameter(
            "nobody gave one: write it there, or set TWAP_USERNAME", param_hint="--username"
        ) from None


def _asked(what: str, *, confirm: bool = False) -> str:
    with warnings.catch_warnings():  # where what is typed would be seen, nobody is asked
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return str(typer.prompt(what, hide_input=True, confirmation_prompt=confirm, err=True))
        except getpass.GetPassWarning:
            typer.echo(err=True)
            raise typer.BadParameter(
                "there is no terminal to ask at: give it with --password-stdin or TWAP_PASSWORD",
                param_hint=what.lower(),
            ) from None


def _line(expected: str) -> str:
    try:
        text = sys.stdin.readline(_LONGEST_LINE + 1)
    except UnicodeDecodeError:
        raise typer.BadParameter(
            "holds no text in this terminal's encoding", param_hint="standard input"
        ) from None
    line = text.removesuffix("\n").removesuffix("\r")
    if not line or len(line) > _LONGEST_LINE:
        raise typer.BadParameter(f"expected {expected}", param_hint="standard input")
    return line
