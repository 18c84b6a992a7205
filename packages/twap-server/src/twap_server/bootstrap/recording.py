"""Record what goes over the exchanges' connections, where the settings say so."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from twap_server.collector.network import INTERNET, Network
from twap_server.collector.recorded_network import RecordedExchanges
from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest
from twap_server.exchanges.base import Exchange
from twap_server.exchanges.registry import EXCHANGES
from twap_server.recordings.config import RecordConfig
from twap_server.recordings.manifest import Retention, lost_messages, so_many_files
from twap_server.recordings.writer import RecordingWriter, WrittenFiles
from twap_server.settings import Settings

log = logging.getLogger(__name__)
"""A demo shows its lines, too."""


@asynccontextmanager
async def recorded(settings: Settings, clock: Clock) -> AsyncIterator[Network]:
    """Give the network to collect over: all that goes over it is recorded until the block ends, where wanted.

    Raises:
        InvalidRequest: a folder cannot be made, or has a manifest that cannot be read.
    """
    if settings.record.folder is None:
        yield INTERNET
        return
    folders = {one: settings.record.folder / one.name for one in exchanges_of(settings)}
    for folder in folders.values():
        _make(folder)
    writers = {one: _writer(settings.record, folder) for one, folder in folders.items()}
    for writer in writers.values():
        writer.begin()
    log.info("every message of the exchanges is kept in %s", settings.record.folder)
    try:
        yield RecordedExchanges(INTERNET, writers, clock).network()
    finally:
        for one, writer in writers.items():
            await asyncio.to_thread(writer.end)
            log.info("%s", _written(folders[one], writer.kept))


def _written(folder: Path, kept: WrittenFiles) -> str:
    return f"{folder}: {kept.rows:,} rows in {so_many_files(kept.files)}{lost_messages(kept.dropped)}"


def _make(folder: Path) -> None:
    """Make a folder now: who gets no recording must know before the market has gone by.

    Raises:
        InvalidRequest: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidRequest(
            f"cannot record into {folder}: {error.strerror}: name another folder", field="record.folder"
        ) from None


def _writer(config: RecordConfig, folder: Path) -> RecordingWriter:
    return RecordingWriter(
        folder,
        segment_s=round(config.segment.total_seconds()),
        retention=Retention(config.max_size, config.max_age),
        on_trouble=log.warning,
    )


def exchanges_of(settings: Settings) -> Sequence[Exchange]:
    """Our own exchanges that are collected, at the addresses that the settings give: none of ccxt's."""
    return [
        shape(ws_url=own.ws_url, rest_url=own.rest_url, depth=own.depth)
        for shape in EXCHANGES
        if (own := settings.exchanges.get(shape.name)) is not None and own.enabled
    ]
