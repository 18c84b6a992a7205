"""``hatch run live-check`` against the simulated exchanges: the same steps as against the real ones."""

import asyncio
from pathlib import Path

import pytest
from scripts import live_check
from scripts.live_check import run

from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue


async def test_each_exchange_that_answers_gets_a_row_and_one_that_does_not_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_check, "_LIST_WITHIN_S", 1)
    clock = SystemClock()
    async with Venue(SyntheticSource(clock=clock, seed=1), clock=clock) as venue:
        urls = venue.urls()
        lines = [
            f'[exchanges.{name}]\nws_url = "{one["ws_url"]}"\nrest_url = "{one["rest_url"]}"'
            for name, one in urls.items()
        ]
        lines.append('[exchanges.coinbase]\nws_url = "ws://127.0.0.1:9"\nrest_url = "http://127.0.0.1:9"')
        settings = tmp_path / "settings.toml"
        settings.write_text("\n".join(lines), encoding="utf-8")
        assert await asyncio.wait_for(run(["binance", "kraken"], 1, settings), 30) == 0
        assert await asyncio.wait_for(run(["coinbase"], 1, settings), 60) == 1
    told = capsys.readouterr().out
    assert told.count("live 100 %") == 2
    assert "FAILED: coinbase: 127.0.0.1:9 refuses the connection" in told
