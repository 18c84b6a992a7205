"""What users were told, held against the store: acknowledged means durable, recorded before told. Pure."""

from collections.abc import Iterator

from crash.facts import Facts, Row
from crash.journal import Breach, Journal, Wire


def check_told(facts: Facts, journal: Journal) -> list[Breach]:
    """Everything that the store must hold because somebody was told."""
    gaps = _no_gap(facts) if facts.whole else []
    return gaps + _told_is_recorded(facts, journal) + _whole_or_absent(facts, journal)


def _no_gap(facts: Facts) -> list[Breach]:
    return [
        Breach(rule="I8", where=user, what=f"events numbered to {max(events)}, {len(events)} are there")
        for user, events in facts.events.items()
        if sorted(events) != list(range(1, len(events) + 1))
    ]


def _told_is_recorded(facts: Facts, journal: Journal) -> list[Breach]:
    return [*_orders_told(facts, journal), *_changes_told(facts, journal), *_events_told(facts, journal)]


def _orders_told(facts: Facts, journal: Journal) -> Iterator[Breach]:
    stored = facts.of_user()
    for (user, token), promise in journal.promises.items():
        record, where = stored.get((user, token)), f"{user} {token}"
        if record is None:
            if facts.whole:
                yield Breach(rule="I8", where=where, what="acknowledged, and not in the store")
        elif record.order["order_id"] != promise.order["order_id"]:
            what = f"acknowledged as {promise.order['order_id']}, stored as {record.order['order_id']}"
            yield Breach(rule="I10", where=where, what=what)


def _changes_told(facts: Facts, journal: Journal) -> Iterator[Breach]:
    stored = facts.of_user()
    for user, token, kind in journal.changes:
        record = stored.get((user, token))
        if record is not None and not any(event["type"] == kind for event in record.events):
            what = f"acknowledged as {kind}, and there is no such event"
            yield Breach(rule="I8", where=f"{user} {token}", what=what)


def _events_told(facts: Facts, journal: Journal) -> Iterator[Breach]:
    for user, events in journal.events.items():
        held = facts.events.get(user, {})
        latest = max(held, default=0)
        for seq, message in events.items():
            if (seq in held or facts.whole or seq > latest) and not _agrees(message, held.get(seq)):
                what = f"told {message}, stored {dict(held.get(seq, {}))}"
                yield Breach(rule="I8", where=f"{user} seq {seq}", what=what)


def _agrees(message: Wire, row: Row | None) -> bool:
    """Whether a message is what the store holds under its number."""
    if row is None:
        return False
    piece = message["slice"]
    return (
        message["event"] == row["type"]
        and message["order"]["order_id"] == row["order_id"]
        and (piece["index"] if piece else None) == row["slice_index"]
        and message["order"]["filled_quantity"] == row["filled"]
        and message["order"]["status"] == row["status"]
        and len(message["fills"]) == row["fill_count"]
    )


def _whole_or_absent(facts: Facts, journal: Journal) -> list[Breach]:
    stored = facts.of_user()
    found = []
    for batch in journal.unanswered():
        there = sum((batch.user, token) in stored for token in batch.tokens)
        if 0 < there < len(batch.tokens):
            what = f"{there} of a list of {len(batch.tokens)} orders are there"
            found.append(Breach(rule="F37", where=f"{batch.user} {batch.tokens[0]}", what=what))
    return found
