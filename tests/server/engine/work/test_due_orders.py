"""engine/work/due_orders.py: many due orders do not hold up others, and are recorded together."""

import asyncio
from collections.abc import Sequence

import pytest

from support.clocks import ALONE, EPOCH
from support.engine import working
from support.trading import HandBook, request
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.write import OrderWrite

pytestmark = ALONE


async def test_others_get_their_turn_between_pieces_and_all_is_one_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working() as desk:
        start, end = Nanos(EPOCH + 5 * SECOND), Nanos(EPOCH + 15 * SECOND)
        wanted = [request(desk.clock.now(), f"t{number}", start=start, end=end) for number in range(450)]
        await desk.engine.submit("ada", wanted)
        await desk.until(4)
        happened: list[str] = []
        live_book = desk.market.live_book

        def looked(instrument: InstrumentId) -> HandBook | None:
            happened.append("look")
            asyncio.get_running_loop().call_soon(happened.append, "others")
            return live_book(instrument)

        monkeypatch.setattr(desk.market, "live_book", looked)
        before = desk.store.commits
        await desk.until(5.05)
        assert happened[:6] == ["look", "others"] * 3, "each piece looks anew, at the book of its own moment"
        assert desk.store.commits == before + 2, "one for 450 slices, one for the first samples"
        assert len(desk.store.slices) == 450


async def test_samples_wait_for_slices_and_make_no_commit_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working() as desk:
        start, end = Nanos(EPOCH + 5 * SECOND), Nanos(EPOCH + 65 * SECOND)
        for user in range(5):
            wanted = [
                request(desk.clock.now(), f"t{number}", start=start, end=end, interval=30 * SECOND)
                for number in range(500)
            ]
            await desk.engine.submit(f"user-{user}", wanted)
        await desk.until(4)
        rows: list[tuple[int, int]] = []
        commit = desk.store.commit

        async def note(writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
            rows.append((len(writes), len(samples)))
            await commit(writes, samples)

        monkeypatch.setattr(desk.store, "commit", note)
        await desk.until(36)
        assert rows[:2] == [(2_000, 0), (500, 0)], "not one is taken while slices are due"
        assert all(slices + samples <= max(slices, 1_000) for slices, samples in rows)
        assert sum(samples for _, samples in rows) == len(desk.store.samples) >= 2_500


async def test_samples_do_not_wait_for_ever_for_slices() -> None:
    async with working() as desk:
        end = Nanos(EPOCH + 60 * SECOND)
        for user in range(4):
            wanted = [request(desk.clock.now(), f"t{n}", end=end, interval=5 * SECOND) for n in range(500)]
            await desk.engine.submit(f"user-{user}", wanted)
        desk.store.latency_s = 6
        await desk.until(50)
        late = [time for _, time in desk.store.samples if time > EPOCH + 20 * SECOND]
        assert late, "there was always another slice to settle"
