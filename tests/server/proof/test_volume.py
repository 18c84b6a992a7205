"""Orders that go by what others trade are equal on markets with more trades than are remembered."""

from pathlib import Path
from typing import Any

import pytest

from support.proofs import proof_of_replayed, tape_of, verified
from support.tapes import busy
from twap_models.orders import StrategyOrderRequest

ORDERS: dict[str, dict[str, Any]] = {
    "share": {"strategy": "pov", "participation": 30, "quantity": "5000"},
    "capped": {"participation_cap": 5, "quantity": "900"},
    "sent": {"participation_cap": 5, "quantity": "900", "realism": "remote"},
    "share-sent": {"strategy": "pov", "participation": 30, "quantity": "5000", "realism": "remote"},
}


@pytest.mark.parametrize("name", ORDERS)
def test_however_many_trades_there_were_between_two_decisions(tmp_path: Path, name: str) -> None:
    busy(tape_of(tmp_path), seconds=40)
    given = {"token_id": name, "exchange": "binance", "symbol": "BTCUSDT", "duration": "36s", "slices": 3}
    proof = proof_of_replayed(tmp_path, StrategyOrderRequest.model_validate(given | ORDERS[name]))
    counted = [one.traded_volume for one in proof.slices[1:]]
    assert len(counted) == 2
    assert all(one is not None and one > 4_500 for one in counted), (
        "the trades of 12 seconds, not of 10 or 11"
    )
    is_equal, told = verified(tmp_path, proof)
    assert is_equal, told
