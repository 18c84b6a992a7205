"""Nodes that talk over a real NATS: in order, past slow ones, through restarts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from support.nats import NatsServer
from twap_server.cluster.messenger import NoAnswer
from twap_server.cluster.nats_messenger import NatsMessenger
from twap_server.domain.errors import UnavailableError


@asynccontextmanager
async def pair_on(nats: NatsServer) -> AsyncIterator[tuple[NatsMessenger, NatsMessenger]]:
    async with (
        NatsMessenger.connected(nats.url, name="one") as one,
        NatsMessenger.connected(nats.url, name="two") as two,
    ):
        yield one, two


class Heard:
    """What a listener took."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._any = asyncio.Event()

    def __call__(self, body: bytes) -> None:
        self.bodies.append(body)
        self._any.set()

    async def until(self, many: int) -> list[bytes]:
        """Wait for so many."""
        async with asyncio.timeout(10):
            while len(self.bodies) < many:
                self._any.clear()
                await self._any.wait()
        return self.bodies


async def test_what_one_tells_another_hears_in_order(nats: NatsServer) -> None:
    async with pair_on(nats) as (one, two):
        heard = Heard()
        await one.listen("order.*", heard)
        await _is_heard(one, two, "order.0", heard)
        heard.bodies.clear()
        wanted = [str(number).encode() for number in range(5_000)]
        for body in wanted:
            two.publish(f"order.{body[-1]}", body)
        assert await heard.until(5_000) == wanted


async def test_questions_are_answered_side_by_side(nats: NatsServer) -> None:
    async with pair_on(nats) as (one, two):
        second_asked = asyncio.Event()

        async def reply(question: bytes) -> bytes:
            if question == b"first":
                await second_asked.wait()
            else:
                second_asked.set()
            return question + b"!"

        await one.answer("ask", reply)
        answers = await asyncio.gather(
            _asked(two, "ask", b"first"), _asked(two, "ask", b"second"), return_exceptions=True
        )
        assert answers == [b"first!", b"second!"]


async def test_who_is_not_there_does_not_answer(nats: NatsServer) -> None:
    async with pair_on(nats) as (one, two):
        with pytest.raises(NoAnswer):
            await two.ask("nobody", b"?", timeout=5)
        answering = await one.answer("gone", _echo)
        assert await _asked(two, "gone", b"!") == b"!"
        await answering.end()
        with pytest.raises(NoAnswer):
            for _ in range(100):
                await two.ask("gone", b"?", timeout=5)


async def test_a_question_that_fails_holds_up_no_other(nats: NatsServer) -> None:
    async with pair_on(nats) as (one, two):

        async def reply(question: bytes) -> bytes:
            if question == b"bad":
                raise ValueError("no")
            return question

        await one.answer("fail", reply)
        assert await _asked(two, "fail", b"good") == b"good"
        with pytest.raises(NoAnswer):
            await two.ask("fail", b"bad", timeout=0.05)
        assert await _asked(two, "fail", b"good") == b"good"


async def test_a_killed_nats_is_found_again_and_what_was_told_meanwhile_is_lost(own_nats: NatsServer) -> None:
    async with pair_on(own_nats) as (one, two):
        heard, back = Heard(), asyncio.Event()
        await one.listen("talk", heard)
        await _is_heard(one, two, "talk", heard)
        two.on_return(back.set)
        own_nats.kill()
        async with asyncio.timeout(10):
            while two.is_connected:
                await asyncio.sleep(0.01)
        two.publish("talk", b"lost")
        with pytest.raises(NoAnswer):
            await two.ask("talk", b"?", timeout=1)
        own_nats.start()
        async with asyncio.timeout(20):
            await back.wait()
        heard.bodies.clear()
        await _is_heard(one, two, "talk", heard)
        assert b"lost" not in heard.bodies


@pytest.mark.parametrize("password", ["secret", "secret,secret", "secret/secret"])
async def test_no_server_is_said_without_its_password(password: str) -> None:
    with pytest.raises(UnavailableError, match=r"NATS cannot be reached at 127\.0\.0\.1:1 ") as error:
        async with NatsMessenger.connected(f"nats://user:{password}@127.0.0.1:1", name="one"):
            pass
    assert "secret" not in str(error.value)


async def test_a_nats_that_hangs_is_left_for_another_although_much_is_unsent() -> None:
    with NatsServer() as first, NatsServer() as second:
        async with NatsMessenger.connected(f"{first.url},{second.url}", name="one") as one:
            back = asyncio.Event()
            one.on_return(back.set)
            hanging = first if one._client.connected_url.port == first.port else second
            hanging.pause()
            try:
                async with asyncio.timeout(40):
                    while not back.is_set():
                        one.publish("talk", bytes(500_000))
                        await asyncio.sleep(0.01)
            finally:
                hanging.go_on()


async def test_a_nats_that_hangs_holds_up_no_node_that_ends(own_nats: NatsServer) -> None:
    async with asyncio.timeout(30):
        async with NatsMessenger.connected(own_nats.url, name="one") as one:
            await one.listen("talk", Heard())
            own_nats.pause()
            for _ in range(40):
                one.publish("talk", bytes(500_000))
            await asyncio.sleep(0.1)
    own_nats.go_on()


async def test_an_error_that_nats_names_is_not_the_end() -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b'INFO {"max_payload":1048576}\r\n')
        while line := await reader.readline():
            if line == b"PING\r\n":
                writer.write(b"PONG\r\n")
            elif line.startswith(b"SUB ") and connections == 1:
                writer.write(b"-ERR 'Maximum Subscriptions Exceeded'\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, asyncio.timeout(20):
        port = server.sockets[0].getsockname()[1]
        async with NatsMessenger.connected(f"nats://127.0.0.1:{port}", name="one") as one:
            back = asyncio.Event()
            one.on_return(back.set)
            await one.listen("talk", Heard())
            await back.wait()
            assert one.is_connected


async def test_a_wrong_password_is_said_to_be_one() -> None:
    with NatsServer(password="right") as nats:
        url = nats.url.replace("//", "//twap:wrong@")
        with pytest.raises(UnavailableError, match="refuses the user or the password") as error:
            async with NatsMessenger.connected(url, name="one"):
                pass
        assert "wrong" not in str(error.value)
        async with NatsMessenger.connected(url.replace("wrong", "right"), name="one") as messenger:
            assert messenger.is_connected


async def _is_heard(one: NatsMessenger, two: NatsMessenger, subject: str, heard: Heard) -> None:
    """A subscription counts once the server knows it: told again until something is heard."""
    async with asyncio.timeout(20):
        while not heard.bodies:
            two.publish(subject, b"are you there")
            await asyncio.sleep(0.01)
        while True:  # what was told before the last one
            count = len(heard.bodies)
            await asyncio.sleep(0.05)
            if count == len(heard.bodies):
                return


async def _asked(messenger: NatsMessenger, subject: str, body: bytes) -> bytes:
    """Ask until somebody is there."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await messenger.ask(subject, body, timeout=5)
            except NoAnswer:
                await asyncio.sleep(0.01)


async def _echo(question: bytes) -> bytes:
    return question
