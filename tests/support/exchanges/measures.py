"""What can be said of an exchange's adapter with figures: each damage, how often it was tried and noticed."""

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from support.exchanges.case import ExchangeCase
from support.exchanges.following import Followed, follow
from twap_models.enums import Integrity
from twap_server.domain.market.errors import FeedError, StreamGap, WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot

Frame = tuple[str, bytes]

_MOST_DAMAGES = 40
_LONGEST_RUN = 60


class Noticed(NamedTuple):
    """Of so many damages."""

    noticed: int
    tried: int

    def __str__(self) -> str:
        return f"{self.noticed}/{self.tried}" if self.tried else "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What became of a run of one book's messages, each in turn removed, repeated, swapped or altered."""

    removed: Noticed
    """Noticed, or a proof of the messages after it shows that the book is right all the same."""
    swapped: Noticed
    repeated_harmless: Noticed
    """Noticed, or the book stayed as it was."""
    altered: Noticed
    """One digit of a quantity: only a checksum can show that."""


def frames_of(case: ExchangeCase) -> list[Frame]:
    """What its first recording that is there received; else its made-up frames."""
    found = case.found()
    return list(case.received(found[0])) if found else made_up(case)


def made_up(case: ExchangeCase) -> list[Frame]:
    """Its made-up frames, on one connection."""
    return [("ws", case.on_wire(frame)) for frame in case.frames]


def run_of(
    case: ExchangeCase, frames: Sequence[Frame], longest: int = _LONGEST_RUN
) -> tuple[list[Frame], list[int]]:
    """Frames of one connection up to the ``longest``-th about its first book, and where those stand."""
    stream, run, places, symbol = case.taught().new_stream(), list[Frame](), list[int](), ""
    for frame in (one for one in frames if one[0] == frames[0][0]):
        run.append(frame)
        events = stream.decode(frame[1])
        about = [event.symbol for event in events if isinstance(event, BookChange | BookSnapshot)]
        symbol = symbol or next(iter(about), "")
        if symbol in about:
            places.append(len(run) - 1)
        if len(places) == longest:
            break
    return run, places


def damage(case: ExchangeCase) -> Damage:
    """Try every damage on the messages of one book, from its third to its last but one."""
    run, places = run_of(case, frames_of(case) if case.shows_proof else made_up(case))
    inner = places[2:-1][:_MOST_DAMAGES]
    whole = follow(case, run)
    return Damage(
        removed=_noticed(case, whole, (run[:at] + run[at + 1 :] for at in inner)),
        swapped=_noticed(
            case, whole, (_swapped(run, at, then) for at, then in zip(inner, places[3:], strict=False))
        ),
        repeated_harmless=_harmless(case, whole, (run[: at + 1] + run[at:] for at in inner)),
        altered=_noticed(case, whole, (one for at in inner if (one := _altered(case, run, at)))),
    )


def mutated_frames(case: ExchangeCase, count: int, seed: int = 1) -> Noticed:
    """Decode so many spoiled frames: those that raise nothing but what a decoder may, of all."""
    rng, good = random.Random(seed), 0
    samples = [raw for _, raw in frames_of(case)[:400]] + [case.on_wire(frame) for frame in case.frames]
    exchange = case.taught()
    for _ in range(count):
        raw = bytearray(rng.choice(samples))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(raw))
            raw[at : at + rng.randint(0, 2)] = rng.randbytes(rng.randint(0, 2))
            raw = raw or bytearray(b"{")
        with suppress(WireFormatError, StreamGap):
            exchange.new_stream().decode(bytes(raw))
        good += 1
    return Noticed(good, count)


def _noticed(case: ExchangeCase, whole: Followed, runs: Iterator[list[Frame]]) -> Noticed:
    """Where checksums prove a book, one without a fault that is the same in the end was right."""
    proven = case.shape.integrity is Integrity.CHECKSUM
    told = [follow(case, run) for run in runs]
    return Noticed(
        sum(bool(_faults(one)) or (proven and _tops(one) == _tops(whole)) for one in told), len(told)
    )


def _faults(told: Followed) -> list[FeedError]:
    return [*told.faults, *([WireFormatError("unreadable")] if told.figures["unreadable"] else [])]


def _harmless(case: ExchangeCase, whole: Followed, runs: Iterator[list[Frame]]) -> Noticed:
    found = [_faults(one) or _tops(one) == _tops(whole) for one in (follow(case, run) for run in runs)]
    return Noticed(sum(map(bool, found)), len(found))


def _tops(told: Followed) -> dict[str, object]:
    return {symbol: book.book.top_text(50) for symbol, book in told.books.items()}


def _swapped(run: list[Frame], at: int, then: int) -> list[Frame]:
    swapped = list(run)
    swapped[at], swapped[then] = run[then], run[at]
    return swapped


def _altered(case: ExchangeCase, run: list[Frame], at: int) -> list[Frame] | None:
    """With another last digit in a quantity; None where there is none."""
    conn, raw = run[at]
    for text in _quantities(case, run, at):
        begin = raw.rfind(text)
        if begin >= 0:
            end = begin + len(text)
            digit = b"%d" % ((int(raw[end - 1 : end]) + 1) % 10)
            return [*run[:at], (conn, raw[: end - 1] + digit + raw[end:]), *run[at + 1 :]]
    return None


def _quantities(case: ExchangeCase, run: list[Frame], at: int) -> Iterator[bytes]:
    """Of the levels of a message, as they may stand in it."""
    stream = case.taught().new_stream()
    events = [stream.decode(raw) for _, raw in run[: at + 1]][-1]
    for event in events:
        if isinstance(event, BookChange | BookSnapshot):
            for _, quantity in (*event.bids, *event.asks):
                if "." in quantity and quantity.strip("0."):
                    yield quantity.rstrip("0").rstrip(".").encode()
