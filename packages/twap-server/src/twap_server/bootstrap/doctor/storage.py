"""Check the database: reachable, intact, of a schema this version knows, and used by whom."""

import asyncio
from collections.abc import Sequence

from twap_server.bootstrap.doctor.finding import Finding, fault, ok, warning
from twap_server.domain.errors import StoreUnavailable, TwapError
from twap_server.settings import Settings
from twap_server.store import look
from twap_server.store.config import StoreConfig, file_of
from twap_server.store.migrate import NEWEST


async def database(settings: Settings) -> Sequence[Finding]:
    """Look into it without changing it."""
    try:
        path = file_of(settings.database_url)
        if path is None:
            return _told(await look.at_server(StoreConfig(url=settings.database_url)), "PostgreSQL")
        if not path.exists():
            return [ok("database", f"{path} is made by the first start")]
        return _told(await asyncio.to_thread(look.at_file, path), str(path))
    except StoreUnavailable as error:
        advice = "" if ":" in str(error) else "see docs/operations.md"
        return [fault("database", str(error), advice)]
    except TwapError as error:
        return [fault("database", str(error))]


def _told(seen: look.Seen, where: str) -> Sequence[Finding]:
    text = f"{where}, {seen.size / 1024**2:,.1f} MiB, schema {seen.revision or 'none yet'}"
    found = [ok("database", text)]
    if seen.revision and seen.revision > NEWEST:
        text = f"schema {seen.revision} is newer than this version knows ({NEWEST})"
        found = [fault("database", text, "install the version of twap-server that wrote it")]
    elif seen.revision and seen.revision < NEWEST:
        found.append(
            ok("schema", f"brought from {seen.revision} to {NEWEST} by the next start: back up first")
        )
    if seen.damage:
        found.append(fault("integrity", seen.damage, "restore a backup: twap-server restore FILE"))
    elif seen.is_checked:
        found.append(ok("integrity", "SQLite finds no damage"))
    elif not seen.is_checked and where != "PostgreSQL":
        found.append(warning("integrity", "looking for damage took too long and was given up"))
    found.append(ok("in use", f"by {seen.holder}" if seen.holder else "by no server"))
    return found
