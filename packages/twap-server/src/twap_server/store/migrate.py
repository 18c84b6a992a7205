"""Bring a database to the newest schema, in one transaction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from twap_server.domain.errors import StoreUnavailable

SCRIPTS = Path(__file__).with_name("migrations")
"""Beside this file, so that it is found in an installed wheel too."""


def migrate(connection: Connection, *, revision: str = "head") -> None:
    """Run the migrations that are missing up to a revision; none when the schema is up to date.

    Raises:
        StoreUnavailable: the database was written by a newer version of the server.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise StoreUnavailable(
            "the database has a schema that this version does not know: "
            "it was written by a newer twap-server; install that version, or use another database"
        ) from error
