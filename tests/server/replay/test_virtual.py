"""On virtual time frames, timers and tasks run in the order of their moments, however many go at once."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from twap_server.collector.config import CollectorConfig
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.replay.origin import NEVER, PlayedConnection, PlayedFrame
from twap_server.replay.player import TapePlayer
from twap_server.replay.virtual import ReplayLoop, Stuck

T0 = 1_700_000_000 * SECOND
CONFIG = CollectorConfig()
SOURCE = PlayedConnection(exchange="binance", path=Path("a.gz"), conn="wss")


def played(offsets_ms: Sequence[int], work: Callable[[TapePlayer], Coroutine[Any, Any, Any]]) -> Any:
    """Run ``work`` against frames at so many milliseconds after the first."""
    player = TapePlayer(
        iter(
            [
                (Nanos(T0 + at * MILLISECOND), str(at).encode(), line, SOURCE, NEVER)
                for line, at in enumerate(offsets_ms, 1)
            ]
        )
    )
    with asyncio.Runner(loop_factory=lambda: ReplayLoop(player.clock, player)) as runner:
        return runner.run(work(player))


def listening(player: TapePlayer) -> Any:
    return player.open(BinanceExchange(), CONFIG, player.clock)


def millis(player: TapePlayer) -> int:
    return (player.clock.now() - T0) // MILLISECOND


async def read_all(
    player: TapePlayer, seen: list[Any], during: Callable[[int], None] = lambda _: None
) -> None:
    async with listening(player) as connection:
        while True:
            (raw,) = await connection.receive()
            assert int(raw) == millis(player), "the clock shows the frame's moment"
            seen.append(raw.decode())
            during(int(raw))


def test_frames_and_timers_in_order() -> None:
    offsets = [0, 10, 20, 999, 1_001, 1_500, 2_000, 2_001, 5_000]

    async def work(player: TapePlayer) -> list[Any]:
        seen: list[Any] = []
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read_all(player, seen))
            for _ in range(3):
                await player.clock.sleep(1)
                seen.append(f"timer {millis(player)}")
            await player.ended.wait()
            reading.cancel()
        return seen

    assert played(offsets, work) == [
        "0", "10", "20", "999", "timer 1000", "1001", "1500",
        "2000", "timer 2000", "2001", "timer 3000", "5000",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_what_is_said_again_before_anything_else_happens_is_not_played(seed: int) -> None:
    rng = random.Random(seed)
    offsets = sorted(rng.sample(range(1, 9_000), 600))
    idle = [at for at in offsets if rng.random() < 0.8]
    again = {one: Nanos(T0 + following * MILLISECOND) for one, following in pairwise(idle)}
    frames = [
        (
            Nanos(T0 + at * MILLISECOND),
            b"%d%s" % (at, b" idle" * (at in idle)),
            line,
            SOURCE,
            again.get(at, NEVER),
        )
        for line, at in enumerate(offsets, 1)
    ]

    def play(frames: Sequence[PlayedFrame]) -> tuple[list[Any], int]:
        player = TapePlayer(iter(frames))
        seen: list[Any] = []

        async def read() -> None:
            async with listening(player) as connection:
                while True:
                    (raw,) = await connection.receive()
                    assert int(raw.split()[0]) == millis(player)
                    seen.append(raw)

        async def work() -> None:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(read())
                for _ in range(30):
                    await player.clock.sleep(0.25)
                    seen.append(millis(player))
                await player.ended.wait()
                reading.cancel()

        with asyncio.Runner(loop_factory=lambda: ReplayLoop(player.clock, player)) as runner:
            runner.run(work())
        return seen, player.tape.taken

    every, count = play([(*frame, NEVER) for *frame, _ in frames])
    some, counted = play(frames)
    assert counted == count == 600
    kept = set(some)
    assert some == [one for one in every if one in kept], "nothing is new, and nothing changes places"
    said = False
    for one in reversed(every):
        assert one in kept or said, "it is said again before a timer goes"
        said = isinstance(one, bytes) and (said or one.endswith(b"idle"))
        assert one in kept or one.endswith(b"idle")
    assert len(some) < len(every) - 350


def test_what_a_frame_causes_comes_before_later_frames() -> None:
    async def work(player: TapePlayer) -> list[Any]:
        seen: list[Any] = []
        loop = asyncio.get_running_loop()

        def during(at: int) -> None:
            if at == 10:
                loop.call_soon(lambda: seen.append(f"soon {millis(player)}"))
            if at == 20:
                loop.call_later(0.015, lambda: seen.append(f"later {millis(player)}"))

        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read_all(player, seen, during))
            await player.ended.wait()
            reading.cancel()
        return seen

    assert played([0, 10, 20, 30, 40], work) == ["0", "10", "soon 10", "20", "30", "later 35", "40"]


def test_many_frames_take_one_turn_of_the_loop() -> None:
    turns = 0

    class Counting(ReplayLoop):
        def pass_time(self, timeout: float | None) -> None:
            nonlocal turns
            turns += 1
            super().pass_time(timeout)

    async def work(player: TapePlayer) -> int:
        seen: list[Any] = []
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read_all(player, seen))
            await player.ended.wait()
            reading.cancel()
        return len(seen)

    player = TapePlayer(
        iter([(Nanos(T0 + at * MILLISECOND), str(at).encode(), at + 1, SOURCE, NEVER) for at in range(1_000)])
    )
    with asyncio.Runner(loop_factory=lambda: Counting(player.clock, player)) as runner:
        assert runner.run(work(player)) == 1_000
    assert turns < 10


def test_hours_pass_at_once_and_exactly() -> None:
    rng = random.Random(5)
    naps = [rng.randrange(1, 10**13) for _ in range(200)]

    async def work(player: TapePlayer) -> list[int]:
        late = []
        for nap in naps:
            due = player.clock.now() + nap
            await player.clock.sleep(nap / SECOND)
            late.append(player.clock.now() - due)
        return late

    assert sum(naps) > 100 * 3600 * SECOND
    late = played([0], work)
    assert all(0 <= one < 10_000 for one in late), "never early, and late by no more than a float's grain"


def test_frames_pass_by_while_nobody_is_connected() -> None:
    async def work(player: TapePlayer) -> list[Any]:
        seen: list[Any] = []
        await player.clock.sleep(0.025)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read_all(player, seen))
            await player.ended.wait()
            reading.cancel()
        return seen

    assert played([0, 10, 20, 30, 40], work) == ["30", "40"]


def test_every_connection_hears_every_frame() -> None:
    async def work(player: TapePlayer) -> tuple[list[Any], list[Any]]:
        one: list[Any] = []
        other: list[Any] = []
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(read_all(player, seen)) for seen in (one, other)]
            await player.ended.wait()
            for task in reading:
                task.cancel()
        return one, other

    one, other = played([0, 10, 20], work)
    assert one == other == ["0", "10", "20"]


def test_frames_wait_for_a_reader_that_is_busy() -> None:
    async def work(player: TapePlayer) -> list[Any]:
        async with listening(player) as connection:
            await player.clock.sleep(0.025)
            return [raw for _ in range(4) for raw in await connection.receive()]

    assert played([0, 10, 20, 30], work) == [b"0", b"10", b"20", b"30"]


def test_nobody_answers_what_is_sent() -> None:
    async def work(player: TapePlayer) -> bytes:
        async with listening(player) as connection:
            assert not connection.acknowledges
            await connection.send('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":7}')
            return b"".join(await connection.receive())

    assert played([0], work) == b"0"


def test_waiting_for_nothing_is_an_error() -> None:
    async def work(_: TapePlayer) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        played([0, 10], work)
