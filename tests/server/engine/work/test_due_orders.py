"""engine/work/due_orders.py: many due orders do not hold up others, and are recorded together."""

import asyncio

import pytest

from support.clocks import ALONE, EPOCH
from support.engine import working
from support.trading import HandBook, request
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.instrument import InstrumentId

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
