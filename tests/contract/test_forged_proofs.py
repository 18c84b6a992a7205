"""Each field of what orders are proven by is changed: verify sees it, or it is known and told why it cannot.

Whoever forges has the hash fit. A field that decisions are computed from counts as seen where a change of it
is seen in one of the orders: what decides the same is the same.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from support.live import signed_in
from support.nodes import not_on_nodes
from support.proofs import verified, with_its_hash
from support.recording_server import ended, recording, submitted
from twap_models import OrderProof
from twap_server.clock import SystemClock
from twap_server.domain.errors import InvalidRequest
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

pytestmark = [
    pytest.mark.long,
    not_on_nodes("recorded once, by a server alone, for some hundred changes"),
]

UNPROVEN: dict[str, str] = {
    "order_id": "a name: nothing is computed from it",
    "markets.whole_prices": "prices come from the book; a limit was rounded when the order came",
    "fills.book_seq": "counted anew by each run of a server, and not as its recording is read",
    "taken.book_time_ns": "tells how far behind a replica was; a server alone is never behind",
    "settings.max_book_wait_ns": "how long a slice waits for a book: of silence there is no recording",
    "settings.max_book_age_ns": "which books are too old: of silence there is no recording",
    "settings.max_leg_spread": "which exchanges are left out: it decides the same while their mids agree",
}
"""By field: why a change of it is seen in none of the orders below."""
GIVEN = ("seq", "decided_ns")
"""Of a slice: told, not computed; it may be moved as long as slices stay in order and in their windows."""
ORDERS: tuple[dict[str, object], ...] = (
    {"token_id": "one", "quantity": "3", "carry": "skip"},
    {"token_id": "moved", "quantity": "4", "randomize": 50, "carry": "last", "side": "sell"},
    {"token_id": "capped", "quantity": "2", "participation_cap": 20},
    {"token_id": "careful", "quantity": "4", "max_slippage_bps": 1, "side": "sell"},
    {"token_id": "both", "exchange": "aggregate", "quantity": "6"},
    {"token_id": "profile", "strategy": "vwap", "volume_profile": [3, 1, 2], "quantity": "2"},
    {"token_id": "early", "strategy": "is", "urgency": "high", "quantity": "2"},
    {"token_id": "share", "strategy": "pov", "participation": 30, "quantity": "2"},
    {"token_id": "swept", "strategy": "sweep", "quantity": "5"},
    {"token_id": "touch", "quantity": "4", "fidelity": "l1"},
    {
        "token_id": "sent",
        "quantity": "3",
        "realism": {
            "latency": "40ms",
            "latency_spread": "20ms",
            "impact": "price_shift",
            "impact_half_life": 1,
        },
    },
    {"token_id": "remote", "quantity": "2", "realism": "remote"},
)


@dataclass(frozen=True)
class Recorded:
    folder: Path
    proofs: Sequence[OrderProof]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    proofs = asyncio.run(_record(folder))
    for proof in proofs:
        is_equal, told = verified(folder, proof)
        assert is_equal, told
    return Recorded(folder, proofs)


async def _record(folder: Path) -> Sequence[OrderProof]:
    clock = SystemClock()
    async with (
        Venue(SyntheticSource(seed=6, clock=clock), clock=clock) as venue,
        recording(folder, venue) as url,
        signed_in(url) as client,
    ):
        book = await client.market.orderbook("binance", "BTCUSDT")
        limit = str(book.asks[0][0])
        begun = datetime.now(UTC) - timedelta(seconds=1)
        late = {"start_time": begun, "late_start": "skip", "quantity": "2", "duration": "6s"}
        await submitted(
            client,
            *ORDERS,
            {"token_id": "limited", "quantity": "3", "price": limit},
            late | {"token_id": "late"},
            {"token_id": "held", "strategy": "pov", "participation": "0.0001", "quantity": "2"},
            {"token_id": "amended", "quantity": "20", "duration": "60s", "slices": 240, "price": limit},
        )
        await asyncio.sleep(1)
        await client.orders.amend("amended", price=None)
        await client.orders.pause("held")
        await asyncio.sleep(1)
        await client.orders.resume("held")
        await client.orders.amend("amended", quantity="30")
        tokens = [*(str(one["token_id"]) for one in ORDERS), "limited", "late", "held"]
        await ended(client, *tokens)
        await asyncio.sleep(1.5)
        return [await client.orders.proof(token) for token in (*tokens, "amended")]


def fields_of(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every field by its dotted name: of one that is a model those in it."""
    for name, field in model.model_fields.items():
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            yield before + name
        for inner in _models_in(field.annotation):
            yield from fields_of(inner, f"{before}{name}.")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from _models_in(one)


def changes(model: BaseModel, path: Sequence[str]) -> Iterator[BaseModel]:
    """The same with one value of that field changed; in a list that of the first, middle and last member."""
    name, *rest = path
    value = getattr(model, name)
    if not rest:
        for other in _others(name, value, type(model).model_fields[name].annotation):
            yield model.model_copy(update={name: other})
    elif isinstance(value, list):
        for at in sorted({0, len(value) // 2, len(value) - 1} & set(range(len(value)))):
            for other in changes(value[at], rest):
                yield model.model_copy(update={name: [*value[:at], other, *value[at + 1 :]]})
    elif isinstance(value, BaseModel):
        for other in changes(value, rest):
            yield model.model_copy(update={name: other})


def _others(name: str, value: Any, annotation: Any) -> Iterator[Any]:
    """Other values that the field can have."""
    match value:
        case None:
            yield from _instead_of_none(name, annotation)
        case Enum():
            yield from (one for one in type(value) if one is not value)
        case [*members]:
            yield from (members[:at] + members[at + 1 :] for at in {0, len(members) // 2} if members)
        case BaseModel():
            yield from (None,) if type(None) in get_args(annotation) else ()
        case _:
            yield _another(name, value)


def _another(name: str, value: Any) -> Any:
    match value:
        case bool():
            return not value
        case Decimal():
            return value * 10**6 if name == "min_notional" else value + 1
        case int():
            return value + (10**10 if name.endswith("_ns") else 1)
        case timedelta():
            return value + timedelta(milliseconds=10)
    return "remote" if name == "realism" and value != "remote" else f"{value}x"


def _instead_of_none(name: str, annotation: Any) -> Iterator[Any]:
    kinds = set(_flat(annotation))
    for kind in sorted(kinds, key=str):
        if isinstance(kind, type) and issubclass(kind, Enum):
            yield from kind
    if Decimal in kinds:
        yield Decimal("0.001")
    elif name == "weights":
        yield [1]
    elif int in kinds:
        yield 10**18
    elif name in ("sha256", "instrument"):
        yield "0" * 64


def _flat(annotation: Any) -> Iterator[Any]:
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for one in inner:
        yield from _flat(one)


def is_seen(recorded: Recorded, forged: OrderProof, field: str) -> bool:
    try:
        fitting = forged if field == "sha256" else with_its_hash(forged)
        return not verified(recorded.folder, fitting)[0]
    except InvalidRequest:
        return True  # nothing can be recomputed from that: it ends with 2


def is_computed(field: str) -> bool:
    """Whether every change of it has to be seen: it says what came of the order, not what it was made of."""
    first, _, last = field.rpartition(".")
    if first.partition(".")[0] in ("slices", "fills"):
        return last not in GIVEN
    return field in ("format", "filled_quantity", "notional", "fees", "sha256", "fills", "slices")


@pytest.mark.parametrize("field", list(fields_of(OrderProof)))
def test_a_changed_field_is_seen(recorded: Recorded, field: str) -> None:
    forged = [
        (proof.token_id, other)
        for proof in recorded.proofs
        for other in changes(proof, field.split("."))
        if isinstance(other, OrderProof)
    ]
    seen = [is_seen(recorded, other, field) for _, other in forged]
    unseen = [token for (token, _), one in zip(forged, seen, strict=True) if not one]
    assert forged
    if field in UNPROVEN:
        assert not any(seen), "it is seen: take it off the list"
    elif is_computed(field):
        assert not unseen
    else:
        assert any(seen)
