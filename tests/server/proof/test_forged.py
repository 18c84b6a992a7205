"""What an order is proven by and does not add up: each is different, also with the hash that fits it."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.proofs import proof_of_replayed, tape_of, verified, with_its_hash
from support.tapes import busy
from twap_models import OrderProof, OrderStatus, TwapOrderRequest
from twap_models.enums import SliceOutcome, SliceReason
from twap_server.domain import exact
from twap_server.domain.errors import InvalidRequest

GIVEN = {"exchange": "binance", "symbol": "BTCUSDT", "duration": "2s", "slices": 4}
ORDERS: dict[str, dict[str, Any]] = {
    "one": {"quantity": "300", "carry": "skip"},
    "short": {"quantity": "300", "carry": "skip", "price": "60001"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("recorded")
    busy(tape_of(found), seconds=6, every_ms=20)
    return found


@pytest.fixture(scope="module")
def one(folder: Path) -> OrderProof:
    """Filled, slice by slice."""
    proof = proof_of_replayed(
        folder, TwapOrderRequest.model_validate(GIVEN | ORDERS["one"] | {"token_id": "one"})
    )
    assert proof.status is OrderStatus.FILLED and {fill.slice for fill in proof.fills} == {0, 1, 2, 3}
    assert any(fill.number for fill in proof.fills)
    is_equal, told = verified(folder, proof)
    assert is_equal, told
    return proof


@pytest.fixture(scope="module")
def short(folder: Path) -> OrderProof:
    """Expired, for its limit left most of it."""
    proof = proof_of_replayed(
        folder, TwapOrderRequest.model_validate(GIVEN | ORDERS["short"] | {"token_id": "short"})
    )
    assert proof.status is OrderStatus.EXPIRED and len(proof.slices) == 4
    is_equal, told = verified(folder, proof)
    assert is_equal, told
    return proof


def changed(proof: OrderProof, **fields: Any) -> OrderProof:
    return proof.model_copy(update=fields)


def at_work(proof: OrderProof) -> OrderProof:
    """The order as it was before its last slice."""
    last = len(proof.slices) - 1
    fills = [fill for fill in proof.fills if fill.slice < last]
    figures = {
        "filled_quantity": sum((fill.quantity for fill in fills), Decimal(0)),
        "notional": sum((fill.quantity * fill.price for fill in fills), Decimal(0)),
        "fees": sum((fill.fee for fill in fills), Decimal(0)),
    }
    return changed(
        proof, status=OrderStatus.WORKING, sha256=None, slices=proof.slices[:last], fills=fills, **figures
    )


def without_slice(proof: OrderProof, index: int) -> OrderProof:
    return changed(
        proof,
        slices=[part for part in proof.slices if part.index != index],
        fills=[fill for fill in proof.fills if fill.slice != index],
    )


def refused(folder: Path, proof: OrderProof, because: str) -> None:
    """Different with the genuine hash as well as with the one that fits."""
    for forged in (proof, proof if proof.sha256 is None else with_its_hash(proof)):
        is_equal, told = verified(folder, forged)
        assert not is_equal
        assert told[-1] == f"DIFFERENT: {proof.token_id}: {because}", told


def test_a_made_up_fill_before_the_real_ones(folder: Path, one: OrderProof) -> None:
    last = one.fills[-1]
    cheap = changed(last, price=last.price - 1000, quantity=Decimal(5), slice=2, number=9)
    refused(
        folder,
        changed(one, fills=[cheap, *one.fills]),
        "slice 3: fill: recorded number 10, expected number 1",
    )
    first = changed(cheap, number=0)
    refused(
        folder,
        changed(one, fills=[first, *one.fills]),
        "fills: recorded one of slice 1 behind one of slice 3, expected in order",
    )
    second = changed(cheap, number=last.number + 1, slice=3)
    refused(
        folder,
        changed(one, fills=[*one.fills, second]),
        f"slice 4: fills: recorded {last.number + 2}, recomputed {last.number + 1}",
    )


@pytest.mark.parametrize("index", [99, 4, -1])
def test_a_fill_of_a_slice_that_is_not_there(folder: Path, one: OrderProof, index: int) -> None:
    ghost = changed(one.fills[-1], slice=index, number=0)
    refused(
        folder,
        changed(one, fills=[*one.fills, ghost]),
        f"fills: recorded one of slice {index + 1}, expected those of slices 1 to 4",
    )


def test_the_same_fill_twice(folder: Path, one: OrderProof) -> None:
    last = one.fills[-1]
    refused(
        folder,
        changed(one, fills=[*one.fills, last]),
        f"slice 4: fill: recorded number {last.number + 1}, expected number {last.number + 2}",
    )


@pytest.mark.parametrize(
    ("field", "told"), [("filled_quantity", Decimal(77)), ("notional", Decimal(1)), ("fees", Decimal(9))]
)
def test_figures_of_the_order(folder: Path, one: OrderProof, field: str, told: Decimal) -> None:
    genuine = exact.text(getattr(one, field))
    refused(folder, changed(one, **{field: told}), f"{field}: recorded {told}, recomputed {genuine}")
    half = at_work(one)
    is_equal, said = verified(folder, half)
    assert is_equal, said
    assert not verified(folder, changed(half, **{field: told}))[0]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_slice_is_hidden(folder: Path, one: OrderProof, index: int) -> None:
    because = f"slices: recorded slice {index + 2}, expected slice {index + 1}"
    refused(folder, without_slice(one, index), because)
    if index < 2:
        refused(folder, without_slice(at_work(one), index), because)


def test_slices_are_told_twice_or_in_another_order(folder: Path, one: OrderProof) -> None:
    first, second, *others = one.slices
    refused(
        folder,
        changed(one, slices=[first, first, second, *others]),
        "slices: recorded slice 1, expected slice 2",
    )
    refused(
        folder, changed(one, slices=[second, first, *others]), "slices: recorded slice 2, expected slice 1"
    )


def test_the_last_slices_are_left_off(folder: Path, one: OrderProof, short: OrderProof) -> None:
    half = at_work(one)
    quantity = one.plans[-1].quantity
    so_far = f"{exact.text(half.filled_quantity)} of {exact.text(quantity)}"
    refused(
        folder,
        with_its_hash(changed(half, status=OrderStatus.FILLED)),
        f"status: recorded Filled, recomputed another one, for {so_far} are filled",
    )
    refused(
        folder,
        with_its_hash(changed(at_work(short), status=OrderStatus.EXPIRED)),
        "slices: recorded 3, recomputed 4",
    )


@pytest.mark.parametrize("status", [one for one in OrderStatus if one is not OrderStatus.FILLED])
def test_a_filled_order_has_no_other_status(folder: Path, one: OrderProof, status: OrderStatus) -> None:
    forged = with_its_hash(changed(one, status=status))
    if status is OrderStatus.REJECTED:
        with pytest.raises(InvalidRequest, match="was rejected"):
            verified(folder, forged)
    else:
        refused(folder, forged, f"status: recorded {status.value}, recomputed Filled")


def test_slices_after_the_last_fill(folder: Path, one: OrderProof) -> None:
    """The plan is said to go on: of an order that is filled nothing more is decided."""
    last, plan = one.slices[-1], one.plans[0]
    more = changed(last, index=4, seq=last.seq + 1, due_ns=last.due_ns + plan.interval_ns)
    refused(
        folder, changed(one, slices=[*one.slices, more]), "slices: recorded 5, expected at most 4, as planned"
    )


def test_a_slice_did_not_elapse_after_the_order_came(folder: Path, short: OrderProof) -> None:
    hidden = without_slice(short, -1)
    nothing = {"mid": None, "touch": None, "touch_exchange": "", "book_time_ns": None}
    nothing |= {"filled_quantity": Decimal(0), "notional": Decimal(0), "outcome": SliceOutcome.MISSED}
    elapsed = changed(short.slices[1], reason=SliceReason.ELAPSED, **nothing)
    forged = changed(
        hidden,
        slices=[short.slices[0], elapsed, *short.slices[2:]],
        fills=[fill for fill in short.fills if fill.slice != 1],
    )
    refused(
        folder,
        forged,
        "slice 2: reason: recorded elapsed, expected another one, for the order came before it",
    )


def test_a_slice_is_decided_within_its_window(folder: Path, one: OrderProof) -> None:
    def with_second(decided_ns: int) -> OrderProof:
        first, second, *others = one.slices
        return changed(one, slices=[first, changed(second, decided_ns=decided_ns), *others])

    due, interval = one.slices[1].due_ns, one.plans[0].interval_ns
    for decided in (due - 1_000, due + interval):
        is_equal, told = verified(folder, with_second(decided))
        assert not is_equal and " slice 2: decided: recorded 2024-" in told[-1], told


def plans_with(one: OrderProof, **fields: Any) -> OrderProof:
    return changed(one, plans=[changed(one.plans[0], **fields)])


def forged_plans(one: OrderProof) -> Iterator[tuple[OrderProof, str]]:
    plan = one.plans[0]
    again = changed(plan, revision=2, from_slice=2, first=2, base=one.slices[0].filled_quantity)
    yield changed(one, plans=[plan, again]), "plan 2 base: "
    yield changed(one, plans=[plan, changed(again, first=1)]), "plan 2 first: "
    yield changed(one, plans=[plan, changed(again, from_slice=9)]), "plan 2 from_slice: "
    yield changed(one, plans=[plan, changed(plan, revision=3, from_slice=2)]), "plan 2 revision: "
    small = changed(again, base=sum(part.filled_quantity for part in one.slices[:2]), quantity=Decimal(1))
    yield changed(one, plans=[plan, small]), "plan 2 slice_count: "
    yield plans_with(one, from_slice=1), "plan 1 from_slice: "
    yield plans_with(one, base=Decimal(1)), "plan 1 base: "
    yield plans_with(one, first=1), "plan 1 first: "
    yield plans_with(one, interval_ns=0), "plan 1 interval: "
    yield plans_with(one, end_ns=plan.start_ns), "plan 1 end: "
    yield plans_with(one, slice_count=9), "plan 1 slice_count: "
    yield plans_with(one, limit_price=Decimal("70000.001")), "plan 1 limit_price: "
    yield plans_with(one, curve=changed(plan.curve, kind="at_once")), "plan 1 curve: "
    yield changed(one, start_ns=plan.start_ns + 1_000), "start: "


def test_plans_that_do_not_follow_one_from_the_other(folder: Path, one: OrderProof) -> None:
    for forged, because in forged_plans(one):
        is_equal, told = verified(folder, with_its_hash(forged))
        assert not is_equal and told[-1].startswith(f"DIFFERENT: one: {because}recorded "), told
    with pytest.raises(InvalidRequest, match="the proof has no plan"):
        verified(folder, changed(one, plans=[]))


def test_a_limit_alone_may_have_been_changed(folder: Path, short: OrderProof) -> None:
    """To another one that decides the same: nothing is planned anew."""
    plan = short.plans[0]
    higher = changed(plan, revision=2, from_slice=4, limit_price=Decimal("60001.01"))
    is_equal, told = verified(folder, with_its_hash(changed(short, plans=[plan, higher])))
    assert is_equal, told
