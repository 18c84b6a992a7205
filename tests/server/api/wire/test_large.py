"""Large answers: few at a time, fair by user, once for all who ask, in pieces, and as exact as small ones."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from hypothesis import given, settings
from hypothesis import strategies as st

from support.api.bodies import BODY, submit
from support.api.desk import CHEAP, Desk, build
from support.changes import replace
from twap_models.enums import OrderStatus, SliceOutcome, SliceReason
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.wire import present
from twap_server.api.wire.details import DetailWriter, detail_pieces
from twap_server.api.wire.large import LargeAnswers, Written
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import EngineBusy, OrderNotFound
from twap_server.domain.orders.order import Fill, Order, SliceResult
from twap_server.domain.orders.record import OrderPage, PageRequest
from twap_server.runtime.threads import Threads

SLICES = 600
FOUR = ApiConfig(passwords=CHEAP)


def slices_of(order: Order, many: int) -> list[SliceResult]:
    return [
        SliceResult(
            index=index,
            due=order.schedule.due(index),
            outcome=SliceOutcome.PARTIAL if index % 3 else SliceOutcome.MISSED,
            reason=SliceReason.DEPTH_EXHAUSTED if index % 3 else None,
            wanted=Decimal("0.10"),
            filled=Decimal("0.10") if index % 3 else Decimal(0),
            notional=Decimal("10.0000000000001") if index % 3 else Decimal(0),
        )
        for index in range(many)
    ]


def fills_of(many: int) -> list[Fill]:
    return [
        Fill(
            fill_id=f"f-{index}",
            slice_index=index,
            time=Nanos(1_790_000_000_123_456_789 + index),
            exchange="binance",
            price=Decimal("100.00000000000000001"),
            quantity=Decimal("1E-8"),
            fee=Decimal(0),
        )
        for index in range(many)
    ]


async def long_order(desk: Desk, username: str = "ada", many: int = SLICES) -> dict[str, str]:
    """An order at work, half of which is done."""
    headers = await desk.user(username)
    token_id = f"{username}-long"
    body = {**BODY, "token_id": token_id, "interval": None, "slices": many}
    await submit(desk, body, headers)
    key, order = next((key, made) for key, made in desk.orders.orders.items() if key[1] == token_id)
    desk.orders.slices[token_id] = slices_of(order, many // 2)
    desk.orders.fills[token_id] = fills_of(many // 2)
    desk.orders.orders[key] = replace(order, progress=replace(order.progress, next_slice=many // 2))
    return headers


@asynccontextmanager
async def opened(config: ApiConfig) -> AsyncIterator[Desk]:
    services, accounts, market, orders, clock = build(config)
    app = create_app(services)
    transport = ASGITransport(app, client=("10.0.0.1", 1234))
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        yield Desk(app, services, accounts, market, orders, clock, http)
    services.threads.close()


@pytest.fixture
async def page(desk: Desk) -> OrderPage:
    await long_order(desk)
    key = next(iter(desk.orders.orders))
    found = await desk.orders.page(*key, PageRequest())
    assert found is not None and len(found.pending) >= SLICES // 2
    return found


@pytest.mark.parametrize("status", [OrderStatus.WORKING, OrderStatus.CANCELED])
@pytest.mark.parametrize(("slices", "fills"), [(0, 0), (1, 0), (0, 1), (249, 250), (300, 251), (300, 300)])
@pytest.mark.parametrize("latest", [False, True])
async def test_pieces_are_the_whole(
    page: OrderPage, status: OrderStatus, slices: int, fills: int, latest: bool
) -> None:
    order = replace(page.order, progress=replace(page.order.progress, status=status))
    order = replace(order, plan=replace(order.plan, warnings=('"slices":[],"fills":[]',)))
    asked = replace(page.asked, latest=latest)
    shown = replace(page, order=order, asked=asked, slices=page.slices[:slices], fills=page.fills[:fills])
    pieces = detail_pieces(shown)
    assert b"".join(pieces) == present.order_detail(shown).to_json()
    assert max(map(len, pieces)) < 65_536


@pytest.mark.parametrize("most", [1, 7, 300])
async def test_pieces_written_part_by_part_are_the_whole(page: OrderPage, most: int) -> None:
    detail = DetailWriter()
    for begin in range(0, SLICES // 2, most):
        last = replace(
            page,
            slices=page.slices[begin : begin + most],
            fills=page.fills[begin : begin + most],
            slices_before=begin,
        )
        detail.add(last)
    assert b"".join(detail.pieces(last)) == present.order_detail(page).to_json()


class Held:
    """Threads of the desk that wait until they are let go."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on = threading.Event()
        self.reads: list[PageRequest] = []
        threads, page = desk.services.threads.writing, desk.orders.page
        run = threads.run

        async def held(work: Callable[[], Any]) -> Any:
            def wait_then_work() -> Any:
                assert self.go_on.wait(30)
                return work()

            return await run(wait_then_work)

        async def counted(user_id: str, token_id: str, asked: PageRequest) -> Any:
            self.reads.append(asked)
            return await page(user_id, token_id, asked)

        monkeypatch.setattr(threads, "run", held)
        monkeypatch.setattr(desk.orders, "page", counted)

    @property
    def whole(self) -> int:
        """How often all of an order was read."""
        return sum(asked.slices is None for asked in self.reads)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0)


async def test_readers_of_one_order_share_what_is_about_to_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    config = FOUR.model_copy(update={"max_large_answers_per_user": 8})
    async with opened(config) as desk, asyncio.TaskGroup() as group:
        headers = await long_order(desk)
        held = Held(desk, monkeypatch)
        asked = [group.create_task(desk.http.get("/orders/ada-long", headers=headers)) for _ in range(8)]
        await until(lambda: len(held.reads) == 9)
        held.go_on.set()
        answers = [await one for one in asked]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert len(answers[0].json()["slices"]) == answers[0].json()["slice_count"]
        assert held.whole == 2, "one for the first, one for all who came meanwhile"


async def test_a_user_has_so_many_large_answers_and_others_are_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(FOUR) as desk, asyncio.TaskGroup() as group:
        eve, ada = await long_order(desk, "eve"), await long_order(desk, "ada")
        await submit(desk, {**BODY, "token_id": "small"}, ada)
        held = Held(desk, monkeypatch)
        paths = [f"/orders/eve-long?x={number}" for number in range(8)]
        asked = [group.create_task(desk.http.get(path, headers=eve)) for path in paths]
        await until(lambda: sum(task.done() for task in asked) == 4)
        refused = [task.result() for task in asked if task.done()]
        assert Counter(answer.status_code for answer in refused) == {503: 4}
        assert refused[0].json()["code"] == "busy" and refused[0].headers["retry-after"] == "5"
        assert held.whole == 1, "one of a user is made at a time"
        async with asyncio.timeout(10):
            assert (await desk.http.get("/orders/small", headers=ada)).status_code == 200
            await desk.user("ada")
        whole = group.create_task(desk.http.get("/orders/ada-long", headers=ada))
        await until(lambda: held.whole == 2)
        held.go_on.set()
        assert (await whole).status_code == 200
        assert [(await task).status_code for task in asked].count(200) == 4
        assert not desk.app.state.services.large._in_hand


@pytest.mark.parametrize("query", ["", "?format=csv", "?format=csv&table=slices", "?format=html"])
async def test_reports_of_long_orders_take_turns_too(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(FOUR) as desk, asyncio.TaskGroup() as group:
        headers = await long_order(desk)
        held = Held(desk, monkeypatch)
        path = f"/orders/ada-long/report{query}"
        asked = [group.create_task(desk.http.get(path, headers=headers)) for _ in range(6)]
        await until(lambda: sum(task.done() for task in asked) == 2)
        held.go_on.set()
        assert Counter([(await task).status_code for task in asked]) == {200: 4, 503: 2}


async def test_a_page_is_answered_while_large_answers_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(FOUR) as desk:
        headers = await long_order(desk)
        held = Held(desk, monkeypatch)
        async with asyncio.TaskGroup() as group:
            whole = group.create_task(desk.http.get("/orders/ada-long", headers=headers))
            await until(lambda: held.whole == 1)
            async with asyncio.timeout(10):
                page = await desk.http.get("/orders/ada-long?slices=20&fills=20", headers=headers)
            assert page.status_code == 200 and "next" in page.links
            held.go_on.set()
            assert (await whole).status_code == 200


@pytest.fixture
async def large() -> AsyncIterator[LargeAnswers]:
    threads = Threads("writing", 2)
    yield LargeAnswers(threads, at_once=2, per_user=2)
    threads.close()


async def test_a_piece_leaves_when_the_client_has_taken_those_before(large: LargeAnswers) -> None:
    async def make() -> Written:
        return Written(pieces=[b"a" * 100_000, b"b" * 10])

    answer = await large.answer("ada", "key", make)
    sent: list[int] = []
    taken = asyncio.Semaphore(0)

    async def send(message: Any) -> None:
        sent.append(len(message.get("body", b"")))
        await taken.acquire()

    async with asyncio.TaskGroup() as group:
        sending = group.create_task(answer({"type": "http"}, None, send))  # type: ignore[arg-type]
        for number, size in enumerate([0, 65_536, 100_000 - 65_536, 10, 0], start=1):
            await until(lambda expected=number: len(sent) == expected)  # type: ignore[misc]
            assert sent[-1] == size and large._in_hand["ada"] == 1
            taken.release()
        await sending
    assert answer.headers["content-length"] == "100010"
    assert not large._in_hand


async def test_a_failure_is_told_to_all_who_wait_and_kept_for_nobody(large: LargeAnswers) -> None:
    calls, go_on = [], asyncio.Event()

    async def fails() -> Written:
        calls.append(1)
        await go_on.wait()
        raise OrderNotFound("gone")

    async def works() -> Written:
        return Written(pieces=[b"x"])

    async with asyncio.TaskGroup() as group:
        first = group.create_task(_outcome(lambda: large.answer("ada", "other", fails)))
        await until(lambda: len(calls) == 1)
        waiting = group.create_task(_outcome(lambda: large.answer("ada", "key", fails)))
        await asyncio.sleep(0)
        with pytest.raises(EngineBusy):
            await large.answer("ada", "key", fails)
        go_on.set()
        assert (await first, await waiting) == (OrderNotFound, OrderNotFound)
    assert (await large.answer("ada", "key", works)).status_code == 200
    assert not large._in_hand and not large._next and len(calls) == 2


async def _outcome(work: Callable[[], Awaitable[Any]]) -> type[Exception] | None:
    try:
        await work()
    except Exception as error:
        return type(error)
    return None


@given(st.integers(0, 3), st.integers(0, 3))
@settings(deadline=None)
async def test_who_leaves_holds_nobody_up(leaving: int, at: int) -> None:
    threads = Threads("writing", 1)
    large = LargeAnswers(threads, at_once=1, per_user=9)
    go_on = asyncio.Event()

    async def make() -> Written:
        await go_on.wait()
        return Written(pieces=[b"x"])

    tasks = [
        asyncio.get_running_loop().create_task(_outcome(partial(large.answer, "ada", number % 2, make)))
        for number in range(4)
    ]
    for _ in range(at):
        await asyncio.sleep(0)
    tasks[leaving].cancel()
    go_on.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(one in (None, EngineBusy) for number, one in enumerate(found) if number != leaving)
    assert not large._in_hand and not large._next and not len(large._large)
    threads.close()
