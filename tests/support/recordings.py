"""Recorded exchange traffic: found through TWAP_RECORDINGS, never copied into the project."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("TWAP_RECORDINGS", Path(__file__).parents[2].parent / "shared" / "market-data"))
BINANCE_BTCUSDT = "binance/spot-btcusdt-2024-08-08.jsonl.gz"
KRAKEN_BTCUSD = "kraken/v2-btcusd-d10-2026-08-16.jsonl.gz"
COINBASE_SIX = "coinbase/exchange-6-products-2021-04-17.jsonl.gz"
COINBASE_PRODUCTS = "coinbase/rest-products-2021-04-17.jsonl.gz"
COINBASE_REST = "coinbase/exchange-rest-products-candles-2025-08.jsonl.gz"
COINBASE_BOOK = "coinbase/rest-book-l2-btcusd-2026-08-07.jsonl.gz"


def recording(name: str) -> Path:
    """The recording's path; skips the test where the recordings are absent."""
    path = ROOT / name
    if not path.is_file():
        pytest.skip(f"no recording {name}: set TWAP_RECORDINGS to the folder that holds the recordings")
    return path


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The recording's rows, in recorded order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
