"""Reads the database file itself and compares it with what the ledger saw: I7, I8, I15."""

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from simulation.ledger import Ledger, Recorded
from simulation.storage import Disk
from simulation.violation import Violation

_TABLES = {
    "orders": "order_id",
    "slices": "order_id, slice_index",
    "fills": "fill_id",
    "order_events": "user_id, seq",
}


def audit(
    disk: Disk, ledger: Ledger, user_ids: Mapping[str, str], acknowledged: Sequence[tuple[str, str, str]]
) -> None:
    """Compare; the server must not be running on the file.

    Raises:
        Violation: something recorded or acknowledged is not there, or something there was never recorded.
    """
    rows = _read(disk)
    stored = {row["order_id"]: row for row in rows["orders"]}
    if stored.keys() != ledger.orders.keys():
        lost, made = ledger.orders.keys() - stored.keys(), stored.keys() - ledger.orders.keys()
        raise Violation("I8", f"the file lacks {len(lost)} recorded orders and has {len(made)} others")
    for order_id, record in ledger.orders.items():
        _compare(stored[order_id], record)
    slices = {(row["order_id"], row["slice_index"]) for row in rows["slices"]}
    if slices != {(key, index) for key, one in ledger.orders.items() for index in one.slices}:
        raise Violation("I8", "the file's slices are not the recorded ones")
    if {row["fill_id"] for row in rows["fills"]} != ledger.fill_ids:
        raise Violation("I8", "the file's fills are not the recorded ones")
    for name, token, order_id in acknowledged:
        row = stored.get(order_id)
        if row is None or (row["user_id"], row["token_id"]) != (user_ids[name], token):
            raise Violation("I8", f"{name}'s acknowledged order {token} is not in the file")
    _check_seqs(rows["order_events"], ledger)


def digest(disk: Disk) -> str:
    """SHA-256 over every row of orders, slices, fills and events."""
    total = hashlib.sha256()
    for table, rows in _read(disk).items():
        for row in rows:
            total.update(repr((table, tuple(row))).encode())
    return total.hexdigest()


def _compare(row: Mapping[str, Any], record: Recorded) -> None:
    progress = record.progress
    seen = (
        row["status"],
        Decimal(row["filled"]),
        Decimal(row["notional"]),
        Decimal(row["fees"]),
        row["version"],
    )
    known = (progress.status.value, progress.filled, progress.notional, progress.fees, progress.version)
    if seen != known:
        raise Violation("I8", f"{record.terms.token_id}: the file says {seen}, recorded was {known}")


def _check_seqs(rows: Sequence[Mapping[str, Any]], ledger: Ledger) -> None:
    last: dict[str, int] = {}
    for row in rows:
        user, seq = row["user_id"], row["seq"]
        if seq != last.get(user, 0) + 1:
            raise Violation("I15", f"event {seq} follows {last.get(user, 0)} in the file")
        last[user] = seq
    if last != ledger.seqs:
        raise Violation("I8", f"the file's last events are {last}, recorded were {ledger.seqs}")


def _read(disk: Disk) -> dict[str, list[sqlite3.Row]]:
    """All rows, from a copy: reading must not repair what the server is to repair."""
    if not disk.path.is_file():
        return {}
    with tempfile.TemporaryDirectory(dir=disk.folder) as folder:
        copy = Path(folder) / "copy.sqlite3"
        for suffix in ("", "-wal"):
            source = disk.path.with_name(disk.path.name + suffix)
            if source.is_file():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        with closing(sqlite3.connect(copy)) as connection:
            connection.row_factory = sqlite3.Row
            return {
                table: connection.execute(f"SELECT * FROM {table} ORDER BY {keys}").fetchall()
                for table, keys in _TABLES.items()
            }
