"""Copy a PostgreSQL database with its own ``pg_dump`` and ``pg_restore``.

A copy is of one moment: what is counted and what is dumped are read from one snapshot. It is restored in one
transaction, with the lock of the one server that writes.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.errors import StoreUnavailable
from twap_server.store import postgresql
from twap_server.store.config import StoreConfig
from twap_server.store.contents import Contents, contents, revision
from twap_server.store.database_use import DatabaseUse, count_on, last_number
from twap_server.store.failures import translated

_LOCKS_WITHIN = "30s"
_FILLS_ARE_A_VIEW = "0010"
"""From this schema on: pg_restore drops a view of a name, and fails where that is a table."""
Keep: TypeAlias = Callable[[Path, Contents], object]


@dataclass(frozen=True, slots=True)
class Tools:
    """Where PostgreSQL's programs are."""

    folder: Path | None = None
    """None: on the search path."""

    def find(self, name: str) -> str:
        """The path of one.

        Raises:
            StoreUnavailable: it is not there.
        """
        found = shutil.which(name, path=str(self.folder) if self.folder else None)
        if found is None:
            where = f"in {self.folder}" if self.folder else "on the search path"
            raise StoreUnavailable(
                f"there is no {name} {where}: install PostgreSQL's client programs (Debian: "
                "postgresql-client), or name their folder with --pg-bin"
            )
        return found


def take(url: str, target: Path, tools: Tools) -> Contents:
    """Dump a database, in use or not, into a new file.

    Raises:
        StoreUnavailable: it cannot be read, or the programs are missing or too old.
    """
    return asyncio.run(_take(url, target, tools))


def put(dump: Path, url: str, tools: Tools, *, expected: Contents, keep: Keep) -> bool:
    """Replace what a database holds by a dump, in one transaction.

    Args:
        dump: made by :func:`take`.
        url: of the database, which must be there.
        tools: PostgreSQL's programs.
        expected: what must be there afterwards.
        keep: called, if there is something, with a dump of that and what it holds, before it is replaced.

    Returns:
        Whether something was replaced.

    Raises:
        StoreUnavailable: a server uses the database, or something failed; it is as it was, unless what was
            restored is not what was expected.
    """
    return asyncio.run(_put(dump, url, tools, expected=expected, keep=keep))


async def _take(url: str, target: Path, tools: Tools) -> Contents:
    program = tools.find("pg_dump")
    engine = postgresql.connect_to(StoreConfig(url=url), None, patient=True)
    try:
        with translated():
            async with engine.connect() as connection:
                await connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
                await _refuse_old(program, connection)
                found = await connection.run_sync(contents)
                snapshot = (await connection.exec_driver_sql("SELECT pg_export_snapshot()")).scalar_one()
                await _run(
                    url,
                    [program, "--format=custom", f"--snapshot={snapshot}", f"--file={target}"],
                    ["--no-owner", "--no-privileges", f"--lock-wait-timeout={_LOCKS_WITHIN}"],
                )
                return found
    finally:
        await engine.dispose()


async def _put(dump: Path, url: str, tools: Tools, *, expected: Contents, keep: Keep) -> bool:
    program, use = tools.find("pg_restore"), DatabaseUse()
    engine = postgresql.connect_to(StoreConfig(url=url), use, patient=True)
    try:
        with translated():
            async with engine.connect() as holder:
                await _refuse_old(program, holder)
                was_there, last = await holder.run_sync(_what_is_there, expected)
                await holder.rollback()  # it keeps the lock of the one server, and none on tables
                if was_there:
                    before = dump.with_name(f"{dump.name}.before")
                    keep(before, await _take(url, before, tools))
                await _run(
                    url,
                    [program, "--clean", "--if-exists", "--single-transaction", "--exit-on-error"],
                    ["--no-owner", "--no-privileges", str(dump)],
                )
                found = await holder.run_sync(contents)
                if different := found.differences(expected):
                    raise StoreUnavailable(f"what was restored is not what was kept: {different}")
                await holder.run_sync(count_on, above=last)
                await holder.commit()
                return was_there
    finally:
        await engine.dispose()


def _what_is_there(connection: Connection, new: Contents) -> tuple[bool, int]:
    """Whether there are tables of ours, and the number of the server that used them last.

    Raises:
        StoreUnavailable: tables that the new contents do not know would stay, and stand in their way.
    """
    is_ours = inspect(connection).has_table("alembic_version")
    its = revision(connection) if is_ours else new.revision
    if its > new.revision:
        raise StoreUnavailable(
            f"the database has schema {its}, the backup the older {new.revision}: restore it into an empty "
            "database (createdb, then --database), and start the server with that"
        )
    if its < _FILLS_ARE_A_VIEW <= new.revision:
        raise StoreUnavailable(
            f"the database has schema {its}, the backup the newer {new.revision}, whose view would take the "
            "place of a table: let this version's server start on the database once, or restore the backup "
            "into an empty one (createdb, then --database)"
        )
    return is_ours, last_number(connection)


async def _refuse_old(program: str, connection: AsyncConnection) -> None:
    """PostgreSQL's programs work with their own and older servers, and say so only after a while."""
    said = await asyncio.to_thread(
        subprocess.run, [program, "--version"], capture_output=True, text=True, check=False
    )
    words = said.stdout.split()
    own = int("".join(c for c in words[2].split(".")[0] if c.isdigit()) or 0) if len(words) > 2 else 0
    number = (await connection.exec_driver_sql("SHOW server_version_num")).scalar_one()
    its = int(number) // 10_000
    if own < its:
        raise StoreUnavailable(
            f"{program} is of version {own or 'unknown'}, the database of {its}: install PostgreSQL's client "
            f"programs of version {its} or newer, or name their folder with --pg-bin"
        )


async def _run(url: str, command: Sequence[str], more: Sequence[str]) -> None:
    """Run a program on the database; the password is in its environment, which no other user sees."""
    parts = make_url(url)
    bare = URL.create(
        "postgresql", parts.username, None, parts.host, parts.port, parts.database, parts.query
    ).render_as_string()
    variables = {**os.environ, "PGCONNECT_TIMEOUT": "10"}
    if parts.password is not None:
        variables["PGPASSWORD"] = str(parts.password)
    process = await asyncio.create_subprocess_exec(
        *command,
        "--no-password",
        f"--dbname={bare}",
        *more,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
        raise
    if process.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise StoreUnavailable(f"{Path(command[0]).name} failed: {lines[0]}")
