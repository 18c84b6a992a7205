"""The folder of a tournament as it is written: a small result, a page, a report."""

import json
from pathlib import Path
from typing import Any

_PARTS = {"delay": 0, "timing": -0.5, "spread": 0.25, "depth": 0.75, "opportunity": 0, "fees": 1}


def result(**changed: Any) -> dict[str, Any]:
    """Two strategies on one recording: the second is dearer, and of sells it is not shown to differ."""
    cost = {"runs": 20, "mean": 1.5, "median": 1.4, "p5": -2, "p95": 5.25, "deviation": 2.125}
    difference = {
        "baseline": "twap", "pairs": 20, "blocks": 8, "mean": 3.25, "median": 3, "low": 1.5, "high": 5.0625,
        "verdict": "dearer",
    }  # fmt: skip
    unsure = difference | {"mean": 0.5, "low": -0.25, "high": 1.25, "verdict": "no difference shown"}
    way = {"strategy": "twap", "runs": 20, "filled": 20, "rejected": 0, "unpriced": 0, "filled_percent": 100}
    twap = way | {"cost": cost | {"low": 1, "high": 2}, "parts": _PARTS}
    sweep = way | {"strategy": "sweep", "cost": cost | {"mean": 4.75, "deviation": 0.5}, "parts": _PARTS}
    group = {"cases": 20, "strategies": [twap, sweep | {"difference": difference}]}
    of_sells = group | {"side": "sell", "cases": 10, "strategies": [twap, sweep | {"difference": unsure}]}
    return {
        "name": "Two ways",
        "engine": "0.1.0 (abc)",
        "baseline": "twap",
        "strategies": {"twap": {}, "sweep": {"strategy": "sweep"}},
        "order": {"exchange": "binance", "symbol": "BTC-USDT", "duration": "15s", "slices": 15},
        "recordings": [
            {
                "name": "made",
                "sha256": "0" * 64,
                "first": "2026-11-30T12:00:00Z",
                "last": "2026-11-30T12:10:00Z",
                "runs": 40,
            }
        ],
        "cases": 20,
        "runs": 40,
        "groups": [group, of_sells],
        "orders": [_run(number) for number in range(1, 41)],
        "draws": 2000,
        "notes": ["Made by hand."],
        **changed,
    }


def write(folder: Path, name: str = "two-ways", content: str | None = None) -> Path:
    """Write a tournament into ``folder``; gives its own folder."""
    own = folder / name
    (own / "reports").mkdir(parents=True)
    (own / "result.json").write_text(json.dumps(result()) if content is None else content)
    (own / "index.html").write_text("<!doctype html><title>Two ways</title>")
    (own / "reports" / "1-abc.html").write_text("<!doctype html><title>Run 1</title>")
    return own


def _run(number: int) -> dict[str, Any]:
    is_sweep = number % 2 == 0
    return {
        "run": number,
        "case": (number + 1) // 2,
        "strategy": "sweep" if is_sweep else "twap",
        "recording": "made",
        "exchange": "binance",
        "instrument": "BTC-USDT",
        "side": "sell" if number % 4 == 0 else "buy",
        "quantity": 0.2,
        "start": "2026-11-30T12:00:10Z",
        "end": "2026-11-30T12:00:25Z",
        "status": "Filled",
        "filled_quantity": 0.2,
        "average_price": 60000.123456789012,
        "cost_bps": 1.2345,
        "report": "reports/1-abc.html" if number == 1 else None,
    }
