"""Carry out report: the execution report on the terminal, and as files."""

import sys
from pathlib import Path

from twap_client.cli.report_view import report_view
from twap_client.cli.session import Session
from twap_client.errors import UsageError

OUTPUT = Path("-")
"""Standard output, as a file is named."""


class UnwritableFile(Exception):
    """A file that was asked for; the message says why."""


async def report(
    session: Session, token: str, *, html: Path | None, csv: Path | None, fills: Path | None
) -> int:
    """Show the execution report, and write the files that are wanted.

    A file named ``-`` is standard output, which then holds it alone.

    Raises:
        UnwritableFile: a file cannot be written.
        UsageError: standard output is asked for more than one.
    """
    to_output = [html, csv, fills].count(OUTPUT)
    if to_output > 1 or (to_output and session.as_json):
        raise UsageError("standard output takes one of them: `-` once, and without --json")
    made = await session.client.orders.report(token)
    if html is not None:
        write_file(session, html, await session.client.orders.report_html(token))
    if csv is not None:
        write_file(session, csv, await session.client.orders.report_csv(token))
    if fills is not None:
        write_file(session, fills, await session.client.orders.report_csv(token, table="fills"))
    if not to_output:
        session.show(made, lambda: report_view(made))
    return 0


def write_file(session: Session, path: Path, text: str) -> None:
    """Write what is a file of its own, to standard output where that is named.

    Raises:
        UnwritableFile: it cannot be written.
    """
    if path == OUTPUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise UnwritableFile(f"{path} cannot be written: {error.strerror or error}") from error
    session.say(f"wrote {path}")
