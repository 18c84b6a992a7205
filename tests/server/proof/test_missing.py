"""A recording that says that messages are missing blames no order for them: nothing can be verified there."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.proofs import proof_of_replayed, tape_of, verified
from support.tapes import busy
from twap_models import OrderProof, StrategyOrderRequest
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.manifest import Manifest, Segment
from twap_server.recordings.rows import LOST
from twap_server.recordings.segment import sha256_of

GIVEN = {"exchange": "binance", "symbol": "BTCUSDT", "duration": "4s", "slices": 4, "quantity": "300"}
ORDERS: dict[str, dict[str, Any]] = {
    "plain": {"carry": "skip"},
    "share": {"strategy": "pov", "participation": 30},
}


def lossy(path: Path, begin: float, end: float) -> Iterator[dict[str, Any]]:
    """Its rows, less those of the socket in between; with a row that says so."""
    dropped = 0
    for line in gzip.decompress(path.read_bytes()).splitlines():
        row: dict[str, Any] = json.loads(line)
        if row["conn"].startswith("ws") and begin < row["t"] <= end:
            dropped += 1
            if dropped == 1:
                yield {"t": row["t"], "dir": LOST, "conn": row["conn"], "raw": "1"}
        else:
            yield row
    assert dropped > 9


@pytest.mark.parametrize("name", ORDERS)
def test_what_a_slice_met_cannot_be_verified_where_messages_are_missing(tmp_path: Path, name: str) -> None:
    busy(tape_of(tmp_path), seconds=8, every_ms=20)
    order = StrategyOrderRequest.model_validate(GIVEN | ORDERS[name] | {"token_id": name})
    proof = proof_of_replayed(tmp_path, order)
    assert verified(tmp_path, proof)[0]
    second, third = moments(proof)
    rows = list(lossy(tape_of(tmp_path), second + 0.1, third - 0.1))
    tape_of(tmp_path).write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode()))
    with pytest.raises(InvalidRequest, match=r"messages of binance are missing in the recording from 2\S+Z"):
        verified(tmp_path, proof)


def test_an_answer_that_a_row_tells_is_told_with_its_time(tmp_path: Path) -> None:
    """Not as one of which no row says where it is missing."""
    path = busy(tape_of(tmp_path), seconds=8, every_ms=20)
    proof = proof_of_replayed(tmp_path, StrategyOrderRequest.model_validate(GIVEN | {"token_id": "plain"}))
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    rows.append({"t": rows[-1]["t"], "dir": LOST, "conn": "https://api.binance.com/api/v3/depth", "raw": "3"})
    path.write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode()))
    times = [Nanos(round(row["t"] * 10**6) * 1_000) for row in rows if "t" in row]
    segment = Segment(file=path.name, first=min(times), last=max(times), dropped=3, sha256=sha256_of(path))
    Manifest.of(path.parent).add(segment)
    is_equal, told = verified(tmp_path, proof)
    assert is_equal and "3 messages are missing, which the disk did not take: 3 between" in told[0], told
    assert "no row says where" not in told[0]


def moments(proof: OrderProof) -> tuple[float, float]:
    """When the second and the third slice were decided."""
    second, third = (one.decided_ns for one in proof.slices[1:3])
    assert second is not None and third is not None
    return second / 1e9, third / 1e9
