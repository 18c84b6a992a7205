"""Databases of the newest schema, to be copied: to migrate one takes longer than most tests."""

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from twap_server.store.database import Database


def migrated(url: str) -> None:
    """Migrate a database; a thread of its own, for a test's loop may be running in this one."""

    async def once() -> None:
        async with Database.open(url):
            """Opening migrates."""

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, once()).result()


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "twap.db"
        migrated(f"sqlite:///{file}")
        return file.read_bytes()


def copy_to(file: Path) -> None:
    """Make a database file where there is none yet, as the server makes it: for its owner alone."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(_migrated_file())
