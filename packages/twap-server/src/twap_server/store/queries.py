"""Build the statements about orders, without running them."""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    column,
    func,
    select,
    tuple_,
    update,
)

from twap_models.enums import OrderStatus, Side
from twap_server.domain.clock import Nanos
from twap_server.domain.ownership import PARTITIONS
from twap_server.store.tables import (
    IS_OPEN,
    order_events,
    order_plans,
    order_samples,
    orders,
    slices,
)

PROGRESS = (
    "status", "filled", "notional", "fees", "next_slice", "reason", "detail", "ended", "traded_total",
    "version", "revision",
)  # fmt: skip
SLICED = ("filled", "notional", "fees", "next_slice", "traded_total", "version")
"""What a slice changes of an order that goes on: never what the index over open orders looks at."""
OF_SLICE = "of_slice_"
"""Prefix of a slice's columns in a row of events."""


def advance(names: Sequence[str] = PROGRESS, *, within: Sequence[str] = ()) -> Update:
    """Replace an order's progress, provided that its version is the one before.

    Args:
        names: the columns that change.
        within: columns that must be as they are given: the order is changed only where they are.
    """
    return (
        update(orders)
        .where(
            orders.c.order_id == bindparam("of_order"),
            orders.c.version == bindparam("of_version"),
            *(orders.c[name] == bindparam(f"of_{name}") for name in within),
        )
        .values({name: bindparam(name) for name in names})
    )


def advance_all(rows: Sequence[Mapping[str, Any]]) -> Update:
    """:func:`advance` for many orders at once, no order twice; each column travels as one array."""
    kinds = {"of_order": orders.c.order_id.type, "of_version": orders.c.version.type}
    kinds.update((name, orders.c[name].type) for name in PROGRESS)
    arrays = [
        bindparam(f"new_{name}", [row[name] for row in rows], type_=ARRAY(kind))
        for name, kind in kinds.items()
    ]
    columns = [column(name, kind) for name, kind in kinds.items()]
    new = func.unnest(*arrays).table_valued(*columns).render_derived(name="new")
    return (
        update(orders)
        .where(orders.c.order_id == new.c.of_order, orders.c.version == new.c.of_version)
        .values({name: new.c[name] for name in PROGRESS})
    )


def whole(*columns: Any) -> Select[Any]:
    """Orders with the plan they are at."""
    plans = [column for column in order_plans.c if column.name not in ("order_id", "revision")]
    at = and_(order_plans.c.order_id == orders.c.order_id, order_plans.c.revision == orders.c.revision)
    return select(orders, *plans, *columns).join_from(orders, order_plans, at)


def all_open(partition: int | None = None) -> Select[Any]:
    """Orders that can still fill, of all users or (PostgreSQL only) those of a partition; oldest first."""
    found = whole().where(IS_OPEN).order_by(orders.c.created, orders.c.order_id)
    return found if partition is None else found.where(partition_of(orders.c.user_id) == partition)


def partition_of(user_id: ColumnElement[str]) -> ColumnElement[int]:
    """The partition of a user as ``domain/ownership.py`` computes it, in PostgreSQL."""
    digest = func.decode(func.md5(func.convert_to(user_id, "UTF8")), "hex")
    return func.get_byte(digest, 0, type_=Integer) % PARTITIONS


@cache
def by_token() -> Select[Any]:
    """Orders of some users with some token ids: the parameters ``of_users`` and ``of_tokens``, two lists.

    Written so that SQLite looks every combination up in the index; of pairs it would read the whole table.
    """
    return whole().where(
        orders.c.user_id.in_(bindparam("of_users", expanding=True)),
        orders.c.token_id.in_(bindparam("of_tokens", expanding=True)),
    )


def one_by_token() -> Select[Any]:
    """The order of the user ``user_id`` with the token id ``token_id``."""
    return whole().where(orders.c.user_id == bindparam("user_id"), orders.c.token_id == bindparam("token_id"))


def by_id(order_id: str) -> Select[Any]:
    """The order with that id."""
    return select(orders).where(orders.c.order_id == order_id)


def slices_after(order_id: str, index: int, limit: int) -> Select[Any]:
    """An order's slices that have ended, in order, from behind that index."""
    wanted = and_(slices.c.order_id == order_id, slices.c.slice_index > index)
    return select(slices).where(wanted).order_by(slices.c.slice_index).limit(limit)


def latest_slices(order_id: str, limit: int) -> Select[Any]:
    """The slices that ended last, the last one first."""
    found = select(slices).where(slices.c.order_id == order_id)
    return found.order_by(slices.c.slice_index.desc()).limit(limit)


def filled_from(order_id: str, index: int, limit: int) -> Select[Any]:
    """An order's slices that filled something, with their fills, in order, from that index on."""
    return _filled(order_id).where(slices.c.slice_index >= index).order_by(slices.c.slice_index).limit(limit)


def latest_filled(order_id: str, limit: int) -> Select[Any]:
    """The slices that filled something last, the last one first."""
    return _filled(order_id).order_by(slices.c.slice_index.desc()).limit(limit)


def _filled(order_id: str) -> Select[Any]:
    """Found among all slices of the order: an index of its own would cost each commit more than it saves."""
    wanted = and_(slices.c.order_id == order_id, slices.c.fills.is_not(None))
    return select(slices.c.slice_index, slices.c.fills).where(wanted)


def plans_of(order_id: str) -> Select[Any]:
    """Every revision of an order's plan, in order."""
    return select(order_plans).where(order_plans.c.order_id == order_id).order_by(order_plans.c.revision)


def samples_of(order_id: str) -> Select[Any]:
    """An order's samples of its market, in time order."""
    return select(order_samples).where(order_samples.c.order_id == order_id).order_by(order_samples.c.time)


def newest(
    user_id: str,
    *,
    token_id: str | None,
    statuses: Collection[OrderStatus] | None,
    exchange: str | None,
    symbols: Collection[str] | None,
    side: Side | None,
    limit: int,
    after: tuple[Nanos, str] | None,
) -> Select[Any]:
    """A page of a user's orders, newest first, order id breaking ties."""
    wanted: list[ColumnElement[bool]] = [orders.c.user_id == user_id]
    if token_id is not None:
        wanted.append(orders.c.token_id == token_id)
    if statuses is not None:
        wanted.append(orders.c.status.in_([status.value for status in statuses]))
    if exchange is not None:
        wanted.append(orders.c.exchange == exchange)
    if symbols is not None:
        wanted.append(orders.c.instrument_symbol.in_(list(symbols)))
    if side is not None:
        wanted.append(orders.c.side == side.value)
    if after is not None:
        wanted.append(tuple_(orders.c.created, orders.c.order_id) < tuple_(*after))
    return (
        whole().where(and_(*wanted)).order_by(orders.c.created.desc(), orders.c.order_id.desc()).limit(limit)
    )


def last_seq(user_id: str) -> Select[Any]:
    """The highest event seq of a user."""
    return select(func.max(order_events.c.seq).label("seq")).where(order_events.c.user_id == user_id)


def last_seqs(user_ids: Sequence[str], dialect: str) -> Select[Any]:
    """The highest event seq of each of these users, each found by the index; None for who has no events.

    One statement for all of them, whose text never changes: a gateway asks every two seconds for thousands.
    """
    asked: ColumnElement[str]
    if dialect == "postgresql":
        asked = func.unnest(bindparam("users", list(user_ids), type_=ARRAY(Text))).column_valued("asked")
    else:
        asked = func.json_each(json.dumps(list(user_ids))).table_valued("value", name="asked").c.value
    last = select(func.max(order_events.c.seq)).where(order_events.c.user_id == asked)
    return select(asked.label("user_id"), last.scalar_subquery().label("seq"))


def events_after(user_id: str, since: int, limit: int) -> Select[Any]:
    """A user's events after ``since``: progress and plan as they were then, the terms, the slice if any."""
    return _events().where(order_events.c.user_id == user_id, order_events.c.seq > since).limit(limit)


def events_of(user_id: str, order_id: str, since: int, limit: int) -> Select[Any]:
    """One order's events after ``since``, likewise."""
    return events_after(user_id, since, limit).where(order_events.c.order_id == order_id)


def seqs_before(user_id: str, order_id: str, before: int | None, limit: int) -> Select[Any]:
    """The numbers of one order's last events, of those before ``before``; the last one first."""
    mine = order_events.c.user_id == user_id  # it is read backwards along the key, as far as it must
    found = select(order_events.c.seq).where(mine, order_events.c.order_id == order_id)
    if before is not None:
        found = found.where(order_events.c.seq < before)
    return found.order_by(order_events.c.seq.desc()).limit(limit)


def _events() -> Select[Any]:
    terms = [column for column in orders.c if column.name not in (*PROGRESS, "order_id", "user_id")]
    plans = [column for column in order_plans.c if column.name not in ("order_id", "revision")]
    of_slice = [
        column.label(OF_SLICE + column.name)
        for column in slices.c
        if column.name not in ("order_id", "slice_index")
    ]
    of_plan = and_(
        order_plans.c.order_id == order_events.c.order_id,
        order_plans.c.revision == order_events.c.revision,
    )
    same_slice = and_(
        slices.c.order_id == order_events.c.order_id,
        slices.c.slice_index == order_events.c.slice_index,
    )
    return (
        select(order_events, *terms, *plans, *of_slice)
        .join_from(order_events, orders, orders.c.order_id == order_events.c.order_id)
        .join(order_plans, of_plan)
        .outerjoin(slices, same_slice)
        .order_by(order_events.c.seq)
    )
