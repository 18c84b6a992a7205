"""support/cluster_messenger.py: as unreliable as told, and the same each time."""

import asyncio

import pytest

from support.clocks import ALONE
from support.cluster_messenger import MessengerNetwork
from twap_server.cluster.messenger import NoAnswer

pytestmark = ALONE


async def told(seed: int, *, loss: float = 0, delay_s: float = 0) -> list[bytes]:
    """What is heard of a hundred messages on two subjects."""
    network = MessengerNetwork(seed, loss=loss, delay_s=delay_s)
    heard: list[bytes] = []
    one, two = network.node("one"), network.node("two")
    for subject in ("a.0", "a.1"):
        await two.listen(subject, heard.append)
    for number in range(100):
        one.publish(f"a.{number % 2}", bytes([number]))
    assert heard == [], "never within publish"
    await asyncio.sleep(1)
    return heard


async def test_order_is_kept_on_each_subject_whatever_is_late_or_lost() -> None:
    assert await told(1) == [bytes([number]) for number in range(100)]
    heard = await told(1, loss=0.3, delay_s=0.5)
    assert 40 < len(heard) < 95
    assert heard != sorted(heard), "subjects overtake each other"
    for subject in (0, 1):
        own = [one for one in heard if one[0] % 2 == subject]
        assert own == sorted(own)


async def test_a_seed_tells_the_same_story() -> None:
    assert await told(2, loss=0.3, delay_s=0.5) == await told(2, loss=0.3, delay_s=0.5)
    assert await told(2, loss=0.3) != await told(3, loss=0.3)


async def test_a_cut_node_hears_nothing_and_says_nothing_until_it_is_back() -> None:
    network = MessengerNetwork(delay_s=0.1)
    one, two = network.node("one"), network.node("two")
    heard: list[bytes] = []
    back: list[bool] = []
    await two.listen("a", heard.append)
    two.on_return(lambda: back.append(True))
    one.publish("a", b"on its way")
    two.cut()
    one.publish("a", b"lost")
    await asyncio.sleep(1)
    two.mend()
    assert (heard, back) == ([], [True])
    one.publish("a", b"heard")
    await asyncio.sleep(1)
    assert heard == [b"heard"]
    one.cut()
    one.publish("a", b"lost too")
    await asyncio.sleep(1)
    assert heard == [b"heard"]


async def test_questions_are_answered_or_fail_in_time() -> None:
    network = MessengerNetwork()
    one, two = network.node("one"), network.node("two")

    async def reply(question: bytes) -> bytes:
        if question == b"slow":
            await asyncio.sleep(10)
        return question + b"!"

    answering = await one.answer("q", reply)
    assert await two.ask("q", b"quick", timeout=1) == b"quick!"
    with pytest.raises(NoAnswer):
        await two.ask("q", b"slow", timeout=1)
    with pytest.raises(NoAnswer):
        await two.ask("nobody", b"", timeout=1)
    await answering.end()
    with pytest.raises(NoAnswer):
        await two.ask("q", b"quick", timeout=1)
    network.forget("one")
    with pytest.raises(NoAnswer):
        await two.ask("q", b"quick", timeout=1)
