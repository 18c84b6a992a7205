"""Define the commands for operators: ``backup``, ``restore``, ``doctor``."""

import asyncio
import json
import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twap_server.cli.running import say, say_as_is, told

if TYPE_CHECKING:
    from twap_server.settings import Settings

ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        help="Database, instead of the one in the settings: sqlite:///FILE or postgresql://…, better as "
        "the variable TWAP_DATABASE.",
    ),
]
PgBin = Annotated[
    Path | None, typer.Option("--pg-bin", help="Folder of pg_dump and pg_restore, if not on the search path.")
]

_BEHIND = 10
"""How far a backup stands behind a server that wants the same processor."""


def add_to(app: typer.Typer) -> None:
    """Add the commands to the others."""
    app.command()(backup)
    app.command()(restore)
    app.command()(doctor)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.", show_default=False)],
    config: ConfigFile = None,
    database: DatabaseUrl = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    pg_bin: PgBin = None,
) -> None:
    """Back up the database into one file, while the server runs or not."""
    from twap_server.bootstrap import backup as work  # noqa: PLC0415 - keeps --help fast

    with told(), _stoppable():
        if hasattr(os, "nice"):
            os.nice(_BEHIND)
        done = work.backup(_loaded(config, database), file, force=force, pg_bin=pg_bin)
        say(f"{file}: {done.contents.in_words()}, of {done.taken}")
        say("The signing key is not in it: without it, clients renew their access tokens by themselves.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that backup wrote.", show_default=False)],
    config: ConfigFile = None,
    database: DatabaseUrl = None,
    pg_bin: PgBin = None,
) -> None:
    """Put a backup in the place of the database; what was there is kept. Stop the server first."""
    from twap_server.bootstrap import backup as work  # noqa: PLC0415 - keeps --help fast

    with told(), _stoppable():
        done = work.restore(_loaded(config, database), file, pg_bin=pg_bin)
        say(f"restored: {done.about.contents.in_words()}, of {done.about.taken}")
        if done.into is not None:
            say(f"The database is {done.into}; start the server on it.")
        if done.kept is not None:
            say(f"What was there before is kept: {done.kept}")


def doctor(
    config: ConfigFile = None,
    database: DatabaseUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Look at settings, files, database, disk, clock, exchanges and limits; change nothing.

    Exit: 0 when all is well, 1 with warnings, 2 with faults.
    """
    from twap_server.bootstrap import doctor as work  # noqa: PLC0415 - keeps --help fast
    from twap_server.clock import SystemClock  # noqa: PLC0415

    with told():
        found = asyncio.run(work.examine(file=config, database=database, clock=SystemClock()))
    worst = work.worst(found)
    if as_json:
        say_as_is(json.dumps({"level": worst, "findings": [asdict(one) for one in found]}, indent=1))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        for one in found:
            say_as_is(
                _row(one.level, one.topic, f"{one.text}: {one.advice}" if one.advice else one.text, width)
            )
    raise typer.Exit({work.Severity.OK: 0, work.Severity.WARNING: 1, work.Severity.FAULT: 2}[worst])


def _row(level: str, topic: str, text: str, width: int) -> str:
    """A line; where it does not fit a terminal, more of them, set in below the text."""
    head = f"{level:<8}{topic:<12} "
    if not width:
        return f"{head}{text}"
    inset = " " * len(head)
    return textwrap.fill(text, width, initial_indent=head, subsequent_indent=inset, break_on_hyphens=False)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does: drafts are removed."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _loaded(config: Path | None, database: str | None) -> "Settings":
    from twap_server import settings  # noqa: PLC0415 - keeps --help fast

    return settings.load(file=config, flags={} if database is None else {"database": database})
