"""Small tournaments on made-up recordings."""

import csv
from pathlib import Path
from typing import Any

from twap_models.lab import TournamentResult
from twap_server.lab import HowToRun, tournament

HERE = HowToRun(workers=1)


def small(recording: Path, **changed: Any) -> dict[str, Any]:
    """Two strategies, both sides, a few starts."""
    given: dict[str, Any] = {
        "recordings": [str(recording)],
        "sides": ["buy", "sell"],
        "sizes": ["1", "6"],
        "starts": {"every": "5s", "from": "+2s", "until": "+12s"},
        "order": {"exchange": "binance", "symbol": "BTC-USDT", "duration": "5s", "slices": 5},
        "strategies": {"twap": {}, "sweep": {"strategy": "sweep"}},
    }
    return given | changed


def run(source: Path | dict[str, Any], out: Path, how: HowToRun = HERE) -> TournamentResult:
    """Run it in this process."""
    return tournament(source, out=out, how=how)


def table(out: Path) -> list[dict[str, str]]:
    """All runs, as the table says them."""
    with (out / "runs.csv").open(newline="", encoding="utf-8") as rows:
        return list(csv.DictReader(rows))
