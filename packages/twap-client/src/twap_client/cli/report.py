"""Carry out report: the execution report on the terminal, and as files."""

from pathlib import Path

from twap_client.cli.report_view import report_view
from twap_client.cli.session import Session


class UnwritableFile(Exception):
    """A file that was asked for; the message says why."""


async def report(
    session: Session, token: str, *, html: Path | None, csv: Path | None, fills: Path | None
) -> int:
    """Show the execution report, and write the files that are wanted.

    Raises:
        UnwritableFile: a file cannot be written.
    """
    made = await session.client.orders.report(token)
    if html is not None:
        _write(session, html, await session.client.orders.report_html(token))
    if csv is not None:
        _write(session, csv, await session.client.orders.report_csv(token))
    if fills is not None:
        _write(session, fills, await session.client.orders.report_csv(token, table="fills"))
    session.show(made, lambda: report_view(made))
    return 0


def _write(session: Session, path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise UnwritableFile(f"{path} cannot be written: {error.strerror or error}") from error
    session.say(f"wrote {path}")
