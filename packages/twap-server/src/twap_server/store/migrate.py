"""Bring a database to the newest schema, in one transaction.

Alembic is loaded only where there is something to migrate: loading it takes longer than the rest of opening.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect

from twap_server.domain.errors import StoreUnavailable

SCRIPTS = Path(__file__).with_name("migrations")
"""Beside this file, so that it is found in an installed wheel too."""
NEWEST = max(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*.py"))
"""The revision that this version of the server works with: files are named after theirs."""


def migrate(connection: Connection, *, revision: str = NEWEST) -> None:
    """Run the migrations that are missing up to a revision; none when the schema is up to date.

    Raises:
        StoreUnavailable: the database was written by a newer version of the server.
    """
    if _revision_of(connection) != [revision]:
        _upgrade(connection, revision)


def is_newest(connection: Connection) -> bool:
    """Whether there is nothing to migrate.

    Raises:
        StoreUnavailable: the database was written by a newer version of the server.
    """
    found = _revision_of(connection)
    if found and found[0] > NEWEST:
        raise _newer()
    return found == [NEWEST]


def _revision_of(connection: Connection) -> list[str]:
    """The revision as Alembic noted it; nothing in a new database."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise _newer() from error


def _newer() -> StoreUnavailable:
    return StoreUnavailable(
        "the database has a schema that this version does not know: "
        "it was written by a newer twap-server; install that version, or use another database"
    )
