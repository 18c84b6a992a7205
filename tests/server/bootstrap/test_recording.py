"""bootstrap/recording.py: who asks for a recording gets one, or the reason at once."""

from pathlib import Path

import pytest

from twap_server.bootstrap.recording import recorded
from twap_server.clock import SystemClock
from twap_server.collector.config import ExchangeConfig
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.config import RecordConfig
from twap_server.settings import Settings


async def test_a_folder_that_cannot_be_made_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    settings = Settings(
        exchanges={"kraken": ExchangeConfig()}, record=RecordConfig(folder=tmp_path / "taken")
    )
    with pytest.raises(InvalidRequest, match=r"cannot record into .*taken.*: name another folder"):
        async with recorded(settings, SystemClock()):
            pass
