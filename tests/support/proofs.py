"""What orders are proven by: made by a replay of a recording, and verified against the same."""

from collections.abc import Sequence
from pathlib import Path

from twap_models import OrderProof, TwapOrderRequest
from twap_server import settings
from twap_server.api.wire.proof import order_proof
from twap_server.bootstrap import replay
from twap_server.bootstrap.verifying import verify_command
from twap_server.domain.orders.proof import ProofRecord
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.report_hash import report_hash
from twap_server.engine.config import EngineConfig
from twap_server.proof.document import proven
from twap_server.settings import Settings


def tape_of(folder: Path) -> Path:
    """Where a recording of Binance has to be written for ``verified`` to find it."""
    path = folder / "recordings" / "binance" / "00000000.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def proof_of_replayed(folder: Path, order: TwapOrderRequest) -> OrderProof:
    """Replay one order on the recording at ``tape_of`` and give what it is proven by."""
    (record,) = replay(tape_of(folder), [order], Settings()).records
    return proof_of(record)


def proof_of(record: OrderRecord) -> OrderProof:
    """Of an order that was the only one of its user, and never amended."""
    seqs = {one.index: one.index + 1 for one in record.slices}
    return order_proof(ProofRecord(record=record, begins={}, seqs=seqs, taken=()), EngineConfig())


def verified(folder: Path, proof: OrderProof) -> tuple[bool, Sequence[str]]:
    """Verify in this process; gives whether all is equal, and what was said."""
    file, told = folder / "proof.json", list[str]()
    file.write_bytes(proof.to_json())
    loaded = settings.load(file=None, flags={})
    is_equal = verify_command(file, recording=folder / "recordings", settings=loaded, announce=told.append)
    return is_equal, told


def with_its_hash(proof: OrderProof) -> OrderProof:
    """As whoever forges it would: the hash is that of what it says now."""
    return proof.model_copy(update={"sha256": report_hash(proven(proof).proof.record)})
