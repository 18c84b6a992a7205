"""Replay recordings in virtual time through the live collector, books and engine: hours in seconds.

In: recordings, of one exchange or several, and orders. Out: all that was recorded of each order, from which
its execution report is made. Only the network, the clock and the store are others than in a running server.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

from twap_models.orders import TwapOrderRequest
from twap_server.api.wire.requests import resolve, to_request
from twap_server.bootstrap.played_exchange import PlayedExchange, exchanges_in
from twap_server.bootstrap.replay_run import Instruments, Replayed, ReplayRun
from twap_server.clock import VirtualClock
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest, TwapError, first_in
from twap_server.domain.exact import ZERO
from twap_server.recordings.frames import Recording
from twap_server.replay.apart import ApartOrders, HandOut
from twap_server.replay.onlooker import Onlooker
from twap_server.replay.player import TapePlayer
from twap_server.replay.virtual import ReplayLoop
from twap_server.runtime import garbage
from twap_server.settings import Settings

_ALL: Final = Decimal(100)

Recorded: TypeAlias = Path | Recording
MakeLoop: TypeAlias = Callable[[VirtualClock, TapePlayer], ReplayLoop]


def replay(
    recordings: Recorded | Sequence[Recorded],
    orders: Sequence[TwapOrderRequest],
    settings: Settings,
    *,
    instruments: Instruments = None,
    skip_unread: Decimal = ZERO,
    onlooker: Onlooker | None = None,
    make_loop: MakeLoop = ReplayLoop,
) -> Replayed:
    """Play recordings from the first message to the last with these orders, submitted once their books live.

    Times of orders are times of the recordings; ``now`` is when the books became live. What is still open
    when the recordings end stays open: its report is not final.

    Args:
        recordings: what exchanges sent: files, folders of one exchange, or one that has a folder for each;
            merged by time.
        orders: played at once.
        settings: of the server.
        instruments: an exchange's list of instruments, where its recordings do not hold it: its answer over
            REST as JSON, or a recording of it. By exchange where several are played.
        skip_unread: percent of the messages that may be unreadable; more are an error, for a result over
            messages that nobody read would be a guess.
        onlooker: watches, and changes nothing.
        make_loop: for tests.

    Raises:
        InvalidRequest: no such recording, none that can be replayed, one with unreadable messages, recordings
            of different times, or an order that is for another exchange or for a time outside of them.
        BookUnavailable: the recordings end before a book is live.
        UnknownSymbol: no recording has the instrument of an order.
    """
    run = ReplayRun(
        _exchanges(recordings), settings, instruments=instruments, skip_unread=skip_unread, onlooker=onlooker
    )
    return _played(run, orders, settings, make_loop)


def replay_apart(
    recordings: Recorded | Sequence[Recorded],
    orders: Sequence[TwapOrderRequest],
    settings: Settings,
    *,
    hand_out: HandOut,
    instruments: Instruments = None,
    skip_unread: Decimal = ZERO,
) -> Replayed:
    """Play recordings once for many orders, each of a user of its own who sends it when it starts.

    Args:
        recordings: as for ``replay``; played until all of the orders are over.
        orders: with absolute starts, and token ids of which no two are the same.
        settings: of the server.
        hand_out: takes each order's record as soon as nothing more will happen to it; what is given back has
            none.
        instruments: as for ``replay``, as is ``skip_unread``.

    Raises:
        InvalidRequest, BookUnavailable, UnknownSymbol: as ``replay``; or an order starts before the books are
            live.
    """
    apart = ApartOrders([to_request(one, now=_start_of(one)) for one in orders], hand_out)
    run = ReplayRun(
        _exchanges(recordings), settings, instruments=instruments, skip_unread=skip_unread, apart=apart
    )
    return _played(run, orders, settings, ReplayLoop)


def read_through(
    recordings: Recorded | Sequence[Recorded],
    orders: Sequence[TwapOrderRequest],
    settings: Settings,
    *,
    instruments: Instruments = None,
) -> Replayed:
    """Play recordings from the first message to the last with the books of orders, and send none of them.

    It tells what cannot be read of whole recordings; however much that is, it is no error here.

    Args:
        recordings: as for ``replay``, as are ``settings`` and ``instruments``.
        orders: one on each market is enough.

    Raises:
        InvalidRequest, BookUnavailable, UnknownSymbol: as ``replay``.
    """
    exchanges = _exchanges(recordings)
    run = ReplayRun(exchanges, settings, instruments=instruments, skip_unread=_ALL, only_reads=True)
    return _played(run, orders, settings, ReplayLoop)


def _played(
    run: ReplayRun, orders: Sequence[TwapOrderRequest], settings: Settings, make_loop: MakeLoop
) -> Replayed:
    """Play on a loop of its own. Its task gives nothing back: asyncio would write all of it out as text.

    Raises:
        TwapError: as ``replay``, also where several things failed side by side.
    """
    done: list[Replayed] = []

    async def play() -> None:
        done.append(await run.play(orders))

    tuned = garbage.aside() if settings.runtime.tune_gc else nullcontext()
    try:
        with tuned, asyncio.Runner(loop_factory=lambda: make_loop(run.player.clock, run.player)) as runner:
            runner.run(play())
    except BaseExceptionGroup as failed:
        raise first_in(failed, TwapError) or failed from None
    return done[0]


def _exchanges(recordings: Recorded | Sequence[Recorded]) -> Sequence[PlayedExchange]:
    given = [recordings] if isinstance(recordings, Path | Recording) else recordings
    return exchanges_in([one if isinstance(one, Recording) else Recording(one) for one in given])


def _start_of(order: TwapOrderRequest) -> Nanos:
    """When an order starts.

    Raises:
        InvalidRequest: it says no moment.
    """
    if not isinstance(order.start_time, datetime):
        raise InvalidRequest(
            f"order {order.token_id} has no absolute start_time: give one", field="start_time"
        )
    return resolve(order.start_time, now=Nanos(0), field="start_time")
