"""Registrations come after sign-ins, in threads that nothing else waits for, however many there are."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from support.api.desk import PASSWORD, Desk

STORM = 90


@pytest.fixture
def held(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """New passwords take until the event is set; ada is registered already."""
    go_on = threading.Event()
    hasher = desk.app.state.services.auth.sign_in._passwords._hash
    make = hasher.hash

    def slowly(password: str) -> str:
        assert password == PASSWORD or go_on.wait(30)
        return str(make(password))

    monkeypatch.setattr(hasher, "hash", slowly)
    yield go_on
    go_on.set()


async def register(desk: Desk, number: int) -> int:
    body = {"username": f"user{number}", "password": "another password"}
    return (await desk.http.post("/auth/register", json=body)).status_code


async def test_a_storm_of_registrations_keeps_nobody_from_signing_in(
    desk: Desk, held: threading.Event
) -> None:
    await desk.user()
    async with asyncio.TaskGroup() as group:
        storm = [group.create_task(register(desk, number)) for number in range(STORM)]
        form = {"username": "ada", "password": PASSWORD}
        for _ in range(3):
            async with asyncio.timeout(10):
                assert (await desk.http.post("/auth/token", data=form)).status_code == 200
        assert sum(task.done() for task in storm) == STORM - 17, "one at work and sixteen in the line"
        change = {"current_password": PASSWORD, "new_password": PASSWORD}
        headers = await desk.user()
        async with asyncio.timeout(10):
            changed = await desk.http.post("/auth/password", json=change, headers=headers)
        assert changed.status_code == 204
        held.set()
    assert Counter(task.result() for task in storm) == {201: 17, 503: STORM - 17}


async def test_a_refused_registration_says_when_to_try_again(desk: Desk, held: threading.Event) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(STORM):
            group.create_task(register(desk, number))
        await asyncio.sleep(0)
        body = {"username": "bob", "password": "another password"}
        answer = await desk.http.post("/auth/register", json=body)
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert answer.headers["retry-after"] == "2"
        held.set()


async def test_other_work_in_threads_keeps_nobody_from_signing_in(desk: Desk) -> None:
    await desk.user()
    go_on = threading.Event()
    loop = asyncio.get_running_loop()
    others = [loop.run_in_executor(None, go_on.wait, 30) for _ in range(64)]
    try:
        async with asyncio.timeout(10):
            await desk.user()
    finally:
        go_on.set()
        await asyncio.gather(*others)
