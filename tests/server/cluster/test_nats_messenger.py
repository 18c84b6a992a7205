"""Nodes that talk over a real NATS: in order, past slow ones, through restarts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.certificates import untrusted
from support.nats import NatsServer
from twap_server.clock import SystemClock
from twap_server.cluster import nats_messenger
from twap_server.cluster.messenger import NoAnswer
from twap_server.cluster.nats_messenger import NatsMessenger
from twap_server.cluster.troubles import Troubles
from twap_server.domain.clock import SECOND, Nanos
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
        await one.listen("order", heard)
        await _is_heard(one, two, "order", heard)
        heard.bodies.clear()
        wanted = [str(number).encode() for number in range(5_000)]
        for body in wanted:
            two.publish("order", body)
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


class Told:
    """What a node notes."""

    def __init__(self) -> None:
        self.troubles = Troubles(SystemClock())

    async def until(self, *words: str) -> str:
        """Wait until it is noted, and give all that is."""
        async with asyncio.timeout(10):
            while not all(one in (found := "; ".join(self.troubles.remarks())) for one in words):
                await asyncio.sleep(0.01)
        return found


async def test_what_goes_wrong_where_nobody_waits_is_said_once_and_nothing_ends(
    nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    told, heard = Told(), Heard()

    def take(body: bytes) -> None:
        heard(body)
        raise KeyError("a fault of ours")

    async with (
        NatsMessenger.connected(nats.url, name="one", troubles=told.troubles) as one,
        NatsMessenger.connected(nats.url, name="two") as two,
    ):
        await one.listen("broken", take)
        await _is_heard(one, two, "broken", heard)
        for _ in range(5):
            two.publish("broken", b"!")
        many = len(heard.bodies)
        await heard.until(many + 5)
        await told.until("could not be taken in (KeyError at test_nats_messenger.py:")
    assert [one.levelname for one in caplog.records if "could not be taken in" in one.getMessage()] == [
        "ERROR"
    ]
    assert [one.exc_info is not None for one in caplog.records] == [True]


async def test_an_answer_that_fails_is_said_once(nats: NatsServer, caplog: pytest.LogCaptureFixture) -> None:
    asked = Heard()

    async def reply(question: bytes) -> bytes:
        asked(question)
        raise ValueError("a fault of ours")

    async with pair_on(nats) as (one, two):
        await one.answer("always", reply)
        async with asyncio.timeout(20):
            while len(asked.bodies) < 3:
                with pytest.raises(NoAnswer):
                    await two.ask("always", b"?", timeout=0.1)
    assert [one.exc_info is not None for one in caplog.records] == [True]


async def test_who_fails_when_the_connection_is_back_keeps_nobody_else_from_hearing_of_it(
    own_nats: NatsServer,
) -> None:
    told, back = Told(), asyncio.Event()

    def fail() -> None:
        raise KeyError("a fault of ours")

    async with NatsMessenger.connected(own_nats.url, name="one", troubles=told.troubles) as one:
        one.on_return(fail)
        one.on_return(back.set)
        own_nats.restart()
        async with asyncio.timeout(20):
            await back.wait()
        await told.until("what was missed could not be asked for (KeyError")


async def test_what_the_user_of_a_node_may_not_do_is_said_with_its_subject(
    caplog: pytest.LogCaptureFixture,
) -> None:
    user = '{user: twap, password: p, permissions: {publish: ["may.>"], subscribe: ["_INBOX.>", "may.>"]}}'
    told = Told()
    with NatsServer(settings=f"authorization {{ users = [ {user} ] }}\n") as nats:
        url = nats.url.replace("//", "//twap:p@")
        async with NatsMessenger.connected(url, name="one", troubles=told.troubles) as one:
            heard = Heard()
            await one.listen("twap.pulse.binance", heard)
            await one.listen("may.talk", heard)
            for number in range(3):
                one.publish(f"twap.book.{number}", b"!")
            found = await told.until("subscribe to twap.pulse.binance", "publish to twap.book.2")
            assert "permission" in found
            await _is_heard(one, one, "may.talk", heard)
            told.troubles._clock = _Later()  # type: ignore[assignment]
            assert "subscribe to twap.pulse.binance" in "; ".join(told.troubles.remarks()), "it stays deaf"
            assert one.is_connected
            nats.restart()
            await told.until("lost and is back")
            assert "subscribe to twap.pulse.binance" in "; ".join(told.troubles.remarks()), "and after that"
    assert len([one for one in caplog.records if "does not let" in one.getMessage()]) in (2, 3)


async def test_an_address_with_tls_never_goes_unencrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library would send the password to whoever asks for no TLS."""
    with NatsServer(password="secret") as plain:
        url = plain.url.replace("nats://", "tls://twap:secret@")
        with pytest.raises(UnavailableError, match="does not ask for TLS, and tls:// stands in") as refused:
            async with NatsMessenger.connected(url, name="one"):
                pass
        assert "secret" not in str(refused.value)
    untrusted(tmp_path)
    file = tmp_path / "server.pem"
    with NatsServer(settings=f'tls {{ cert_file: "{file}", key_file: "{file}" }}\n') as encrypted:
        url = f"tls://localhost:{encrypted.port}"
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            async with NatsMessenger.connected(url, name="one"):
                pass
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        async with NatsMessenger.connected(url, name="one") as trusting:
            assert trusting.is_connected


async def test_a_nats_that_takes_only_small_messages_is_refused_at_the_start() -> None:
    with NatsServer(settings="max_payload: 64KB\n") as nats:
        words = r"messages of at most 65,536 bytes.*: set max_payload in the settings of nats-server to 1MB"
        with pytest.raises(UnavailableError, match=words):
            async with NatsMessenger.connected(nats.url.replace("//", "//twap:secret@"), name="one"):
                pass
    with NatsServer(settings="max_payload: 1MB\n") as nats:
        async with NatsMessenger.connected(nats.url, name="one") as one:
            assert one.is_connected


async def test_a_nats_that_takes_only_small_messages_since_it_was_started_anew_is_told(
    own_nats: NatsServer,
) -> None:
    told = Told()
    async with NatsMessenger.connected(own_nats.url, name="one", troubles=told.troubles):
        own_nats.kill()
        own_nats._settings = "max_payload: 64KB\n"
        own_nats.start()
        await told.until("this NATS takes messages of at most 65,536 bytes")


async def test_a_message_that_is_too_large_for_nats_is_told_and_lost_alone(nats: NatsServer) -> None:
    told, heard = Told(), Heard()
    async with NatsMessenger.connected(nats.url, name="one", troubles=told.troubles) as one:
        await one.listen("size", heard)
        await _is_heard(one, one, "size", heard)
        heard.bodies.clear()
        one.publish("size", bytes(2_000_000))
        one.publish("size", b"small")
        assert await heard.until(1) == [b"small"]
        await told.until("a message of 2,000,000 bytes on size was lost", "max_payload")
        with pytest.raises(NoAnswer, match="of that size"):
            await one.ask("question", bytes(2_000_000), timeout=5)


async def test_what_a_nats_that_hangs_does_not_take_is_thrown_away_beyond_a_bound(
    own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 4_000_000
    monkeypatch.setattr(nats_messenger, "MOST_UNSENT", most)
    told, body, heard = Told(), bytes(40_000), Heard()
    async with NatsMessenger.connected(own_nats.url, name="one", troubles=told.troubles) as one:
        await one.listen("talk", heard)
        await _is_heard(one, one, "talk", heard)
        own_nats.pause()
        try:
            for _ in range(60):  # 48 MB; the socket takes some
                for _ in range(20):
                    one.publish("talk", body)
                await asyncio.sleep(0.005)
                assert _held_by(one) <= most + 100_000
            with pytest.raises(NoAnswer, match="takes nothing"):
                await one.ask("talk", body, timeout=1)
        finally:
            own_nats.go_on()
        await told.until("NATS takes less than this node tells")
        async with asyncio.timeout(20):
            while one.unsent:
                await asyncio.sleep(0.01)
        heard.bodies.clear()
        await _is_heard(one, one, "talk", heard)


def _held_by(messenger: NatsMessenger) -> int:
    """Bytes that wait in the messenger, in the library, and in the loop's own buffer of the socket."""
    client = messenger._client
    waiting = sum(len(body) for _, body in messenger._waiting)
    of_socket = client._transport._io_writer.transport.get_write_buffer_size()  # type: ignore[union-attr]
    return waiting + sum(map(len, client._pending)) + int(of_socket)


class _Later(SystemClock):
    """An hour later."""

    def monotonic(self) -> Nanos:
        return Nanos(super().monotonic() + 3_600 * SECOND)


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
