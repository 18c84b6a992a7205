"""twap verify: keeps what the server says of an order, and lets twap-server recompute it."""

from decimal import Decimal
from pathlib import Path

import pytest

from support.client import Twap
from twap_client.testing import ScriptedServer, order
from twap_models import OrderProof
from twap_models.proof import ProofCurve, ProofPlan, ProofSettings

PROOF = OrderProof(
    format=1,
    token_id="o-1",
    order_id="id-1",
    user_id="u-1",
    exchange="binance",
    instrument="BTC-USDT",
    side="buy",
    strategy="twap",
    status="Expired",
    carry="catch_up",
    fidelity="depth",
    randomize=Decimal(0),
    lot_size=Decimal("0.00001"),
    created_ns=1_700_000_000_000_000_000,
    start_ns=1_700_000_000_000_000_001,
    filled_quantity=Decimal(0),
    notional=Decimal(0),
    fees=Decimal(0),
    markets=[],
    plans=[
        ProofPlan(
            revision=1,
            from_slice=0,
            quantity=Decimal("0.5"),
            start_ns=1,
            end_ns=2,
            interval_ns=1,
            slice_count=1,
            first=0,
            base=Decimal(0),
            step=Decimal(0),
            curve=ProofCurve(kind="linear"),
        )
    ],
    slices=[],
    fills=[],
    taken=[],
    settings=ProofSettings(
        impact_half_life_ns=10**10, max_book_age_ns=1, max_book_wait_ns=1, max_leg_spread=Decimal("0.05")
    ),
)


async def test_a_proof_is_kept_digit_for_digit(
    signed_in: Twap, server: ScriptedServer, tmp_path: Path
) -> None:
    server.orders["o-1"], server.proofs["o-1"] = order("o-1", status="Expired"), PROOF
    file = tmp_path / "proof.json"
    done = await signed_in("verify", "o-1", "--save", str(file))
    assert done.code == 0 and f"wrote {file}" in done.err, done
    assert OrderProof.from_json(file.read_bytes()) == PROOF


async def test_there_must_be_something_to_do(signed_in: Twap) -> None:
    refused = await signed_in("verify", "o-1")
    assert refused.code == 2 and "give --recording FOLDER" in refused.err


async def test_without_the_server_it_says_how_to_verify(
    signed_in: Twap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twap_client.cli.verifying.find_spec", lambda name: None)
    refused = await signed_in("verify", "o-1", "--recording", str(tmp_path))
    assert refused.code == 2 and "--save FILE" in refused.err
    assert "pip install ./packages/twap-models ./packages/twap-server;" in refused.err


async def test_the_server_of_this_environment_recomputes(
    signed_in: Twap, server: ScriptedServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.orders["o-1"], server.proofs["o-1"] = order("o-1", status="Expired"), PROOF
    done = await signed_in("verify", "o-1", "--recording", str(tmp_path))
    assert done.code == 2
    assert (
        "twap-server: no slice of o-1 was decided (it is Expired): there is nothing"
        in capfd.readouterr().err + done.err
    )
