"""Orders of a real server that records are recomputed from its recording, or the difference is named."""

import asyncio
import gzip
import json
import re
import shutil
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from support.live import signed_in
from support.nodes import not_on_nodes
from support.plain import hash_of
from support.proofs import verified
from support.recording_server import ended, recording, submitted
from twap_client import TwapClient
from twap_models import OrderProof, OrderStatus
from twap_server.bootstrap import cut_recordings
from twap_server.clock import SystemClock
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.frames import frames
from twap_server.recordings.manifest import NAME
from twap_server.recordings.segment import sha256_of
from twap_server.venue.market import SyntheticSource
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.registry import PROTOCOLS
from twap_server.venue.server import Venue

pytestmark = pytest.mark.long
"""CI runs it in a step of its own: whole servers, and whole recordings read by plain code."""


ORDERS: tuple[dict[str, object], ...] = (
    {"token_id": "plain", "quantity": "3"},
    {"token_id": "moved", "quantity": "2", "randomize": 50, "carry": "last"},
    {"token_id": "capped", "quantity": "1", "participation_cap": 20},
    {"token_id": "careful", "quantity": "2", "max_slippage_bps": 1, "side": "sell"},
    {"token_id": "checked", "exchange": "kraken", "quantity": "2"},
    {"token_id": "both", "exchange": "aggregate", "quantity": "4"},
    {"token_id": "profile", "strategy": "vwap", "volume_profile": [3, 1, 2], "quantity": "2"},
    {"token_id": "early", "strategy": "is", "urgency": "high", "quantity": "2"},
    {"token_id": "share", "strategy": "pov", "participation": 30, "quantity": "2"},
    {"token_id": "remote", "realism": "remote", "quantity": "2"},
    {"token_id": "adverse", "realism": "adverse", "quantity": "2", "slices": 8},
    {"token_id": "worse", "realism": "adverse", "quantity": "2", "slices": 7, "exchange": "binance"},
    {"token_id": "swept", "strategy": "sweep", "quantity": "5"},
)
THROUGH: dict[str, object] = {"quantity": "5", "duration": "6s", "slices": 24}
"""It goes on after the restart."""


@not_on_nodes("an engine that takes over knows what users took before; the recording of a collector does not")
async def test_orders_are_equal_through_faults_and_a_restart(tmp_path: Path) -> None:
    clock = SystemClock()
    async with Venue(SyntheticSource(seed=5, clock=clock), clock=clock) as venue:
        async with recording(tmp_path, venue) as url, signed_in(url) as client:
            await submitted(client, *ORDERS)
            for fault in ("gap", "garbage", "disconnect"):
                await asyncio.sleep(0.6)
                venue.inject(fault)
            plain = (await ended(client, *(str(one["token_id"]) for one in ORDERS)))[0]
            limit = plain.average_price
            assert limit is not None
            await submitted(
                client,
                {"token_id": "limited", "quantity": "3", "price": str(round(limit, 2))},
                THROUGH | {"token_id": "share-on", "strategy": "pov", "participation": 30},
                THROUGH | {"token_id": "capped-on", "participation_cap": 20},
            )
            await asyncio.sleep(1)
        async with recording(tmp_path, venue) as url, TwapClient(url) as client:
            await client.accounts.login("ada", "correct horse battery")
            await submitted(client, {"token_id": "after", "quantity": "2"})
            await ended(client, *(others := ("limited", "after", "share-on", "capped-on")))
            tokens = [*(str(one["token_id"]) for one in ORDERS), *others]
            proofs = [await client.orders.proof(token) for token in tokens]
            reports = [await client.orders.report(token) for token in tokens]
    for proof, report in zip(proofs, reports, strict=True):
        is_equal, told = verified(tmp_path, proof)
        assert is_equal, (proof.token_id, told)
        assert told[-1] == f"sha256 {report.sha256}"
        if proof.realism == "ideal":
            assert hash_of(proof.to_json()) == report.sha256, "from what REST answers alone"


async def one_order(folder: Path) -> OrderProof:
    clock = SystemClock()
    async with (
        Venue(SyntheticSource(seed=6, clock=clock), clock=clock) as venue,
        recording(folder, venue) as url,
        signed_in(url) as client,
    ):
        await submitted(client, {"token_id": "one", "quantity": "1", "duration": "1s", "slices": 4})
        await ended(client, "one")
        return await client.orders.proof("one")


def _repack(segment: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write a segment anew, and let its manifest say that this is what was written."""
    segment.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    manifest = segment.parent / NAME
    contents = json.loads(manifest.read_bytes())
    named = next(one for one in contents["segments"] if one["file"] == segment.name)
    named["sha256"] = sha256_of(segment)
    manifest.write_text(json.dumps(contents))


def _with_dearer_asks(row: dict[str, str]) -> dict[str, str]:
    """A message of Binance, whose asks are a cent dearer: of a book or of a change."""
    body = json.loads(row["raw"])
    for part, name in ((body, "asks"), (body.get("data", {}), "a")):
        if isinstance(part.get(name), list):
            part[name] = [[str(Decimal(price) + Decimal("0.01")), size] for price, size in part[name]]
    return row | {"raw": json.dumps(body)}


async def test_what_was_changed_is_seen(tmp_path: Path) -> None:
    proof = await one_order(tmp_path)
    is_equal, told = verified(tmp_path, proof)
    assert is_equal and told[-2].startswith("EQUAL: one: ")
    check_what_it_says_of_files(tmp_path, proof)
    check_what_was_forged(tmp_path, proof)
    check_what_was_recorded_otherwise(tmp_path, proof)


def check_what_it_says_of_files(tmp_path: Path, proof: OrderProof) -> None:
    folder = tmp_path / "recordings" / "binance"
    assert verified(tmp_path, proof)[1][0] == "binance: the files are as written"
    manifest, kept = folder / NAME, (folder / NAME).read_bytes()
    manifest.unlink()
    is_equal, told = verified(tmp_path, proof)
    assert is_equal
    assert (
        told[0] == f"binance: nothing proves the files: {NAME} names none of them (it does once one is whole)"
    )
    manifest.write_bytes(kept)
    (segment,) = folder.glob("*.gz")
    away = segment.rename(folder / "away")
    shutil.copy(away, folder / "00000000.jsonl.gz")
    told = verified(tmp_path, proof)[1]
    assert told[0].endswith(f"(it does once one is whole); 1 that {NAME} names are not there")
    (folder / "00000000.jsonl.gz").unlink()
    away.rename(segment)


def check_what_was_recorded_otherwise(tmp_path: Path, proof: OrderProof) -> None:
    (segment,) = (tmp_path / "recordings" / "binance").glob("*.gz")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    with pytest.raises(InvalidRequest, match=f"{segment.name} is not what was written: its SHA-256"):
        verified(tmp_path, proof)
    content[len(content) // 2] ^= 1
    rows = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    _repack(segment, [_with_dearer_asks(row) if row["dir"] == "in" else row for row in rows])
    is_equal, told = verified(tmp_path, proof)
    assert not is_equal
    assert re.fullmatch(r"DIFFERENT: one: slice [12]: mid: recorded [\d.]+, recomputed [\d.]+", told[-1]), (
        told
    )


def check_what_was_forged(tmp_path: Path, proof: OrderProof) -> None:
    last = proof.fills[-1]
    dear = last.model_copy(update={"price": last.price + 1})
    is_equal, told = verified(tmp_path, proof.model_copy(update={"fills": [*proof.fills[:-1], dear]}))
    assert not is_equal
    assert f"slice {last.slice + 1}: fill {last.number + 1} price: recorded {dear.price}" in told[-1], told
    other = proof.model_copy(update={"sha256": "0" * 64})
    is_equal, told = verified(tmp_path, other)
    assert not is_equal and f"sha256: recorded {'0' * 64}" in told[-1]
    early = [one.model_copy(update={"book_time_ns": 1}) for one in proof.slices]
    with pytest.raises(
        InvalidRequest, match=r"the recording begins at .* --record before orders are submitted"
    ):
        verified(tmp_path, proof.model_copy(update={"slices": early}))


def _until(moment_ns: int, whole: Path, folder: Path) -> Path:
    """A recording that ends then; gives the folder it is in."""
    cut_recordings(
        [whole], begin=Nanos(1), end=Nanos(moment_ns), symbols=[], exchange=None, instruments=None,
        output=folder / "recordings", announce=lambda _: None,
    )  # fmt: skip
    return folder


async def test_a_recording_of_another_time_is_told_so(tmp_path: Path) -> None:
    clock = SystemClock()
    async with (
        Venue(SyntheticSource(seed=6, clock=clock), clock=clock) as venue,
        recording(tmp_path, venue, "binance") as url,
        signed_in(url) as client,
    ):
        await submitted(
            client,
            {"token_id": "plain", "quantity": "1"},
            {"token_id": "share", "strategy": "pov", "participation": 30, "quantity": "2"},
            {"token_id": "never", "quantity": "0.0000001"},
        )
        await ended(client, "plain", "share")
        plain, share, never = [await client.orders.proof(one) for one in ("plain", "share", "never")]
    check_what_ends_too_early(tmp_path, plain, share)
    with pytest.raises(InvalidRequest, match="never was rejected: nothing was decided, so there is nothing"):
        verified(tmp_path, never)
    waiting = never.model_copy(update={"status": OrderStatus.ACCEPTED})
    with pytest.raises(InvalidRequest, match=r"no slice of never was decided \(it is Accepted\)"):
        verified(tmp_path, waiting)


def check_what_ends_too_early(whole: Path, plain: OrderProof, share: OrderProof) -> None:
    recordings, sixth = whole / "recordings", plain.slices[5].decided_ns
    first, begun = plain.slices[0].decided_ns, next(at for at, *_ in frames(whole / "recordings" / "binance"))
    assert sixth is not None and first is not None
    ended_in_it = _until(sixth, recordings, whole / "in")
    for proof in (plain, share):
        with pytest.raises(
            InvalidRequest,
            match=r"of binance ends at 2\S+Z, before slice \d+ was decided at 2\S+Z: from there",
        ):
            verified(ended_in_it, proof)
    before = _until((begun + first) // 2, recordings, whole / "before")
    for proof in (plain, share):
        with pytest.raises(
            InvalidRequest,
            match=r"ends at 2\S+Z, before the order's first decision at 2\S+Z: it is of another",
        ):
            verified(before, proof)
    day = 86_400 * 10**9
    early = [
        one.model_copy(update={"decided_ns": one.due_ns - day, "book_time_ns": None}) for one in plain.slices
    ]
    with pytest.raises(
        InvalidRequest, match=r"begins at .*, after the order's last decision at .*another time"
    ):
        verified(whole, plain.model_copy(update={"slices": early}))
    last = plain.fills[-1]
    forged = [*plain.fills[:-1], last.model_copy(update={"price": last.price + 1})]
    is_equal, told = verified(whole, plain.model_copy(update={"fills": forged}))
    assert not is_equal and "DIFFERENT: plain: slice 12: fill" in told[-1]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.name)
async def test_orders_of_every_exchange_are_equal(tmp_path: Path, protocol: VenueProtocol) -> None:
    """Through a gap and a lost connection, two orders on the same levels."""
    clock, name = SystemClock(), protocol.name
    source = SyntheticSource(seed=5, clock=clock, protocols=[protocol])
    async with (
        Venue(source, clock=clock) as venue,
        recording(tmp_path, venue, name) as url,
        signed_in(url) as client,
    ):
        listed = await client.market.symbols(name)
        symbol = next(one.symbol for one in listed if one.symbol.startswith("BTC-"))
        where = {"exchange": name, "symbol": symbol, "quantity": "2", "slices": 8, "duration": "2s"}
        await submitted(client, where | {"token_id": "a"}, where | {"token_id": "b"})
        await asyncio.sleep(0.7)
        venue.inject("gap")
        await asyncio.sleep(0.4)
        venue.inject("disconnect")
        await ended(client, "a", "b")
        proofs = [await client.orders.proof(token) for token in "ab"]
    for proof in proofs:
        is_equal, told = verified(tmp_path, proof)
        assert is_equal, told
