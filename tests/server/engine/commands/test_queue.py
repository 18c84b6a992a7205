"""engine/commands/queue.py: commands come by turns of their users; one user's many hold up nobody else."""

import pytest

from twap_server.domain.errors import EngineBusy
from twap_server.engine.commands.batches import Command
from twap_server.engine.commands.queue import CommandQueue


def command(user: str, *tokens: str) -> Command[None]:
    keys = frozenset((user, token) for token in tokens)
    return Command(keys=keys, decide=lambda context: None, answer=None)  # type: ignore[arg-type, return-value]


def named(group: list[Command[None]]) -> list[str]:
    return ["".join(sorted(token for _, token in one.keys)) for one in group]


def test_a_single_command_is_in_the_next_group_however_many_lists_wait() -> None:
    queue = CommandQueue(most=10_000, most_of_user=10_000)
    for number in range(5_000):
        queue.add("many", command("many", *(f"{number}-{n}" for n in range(100))))
    queue.take(most=256)
    queue.add("one", command("one", "x"))
    assert "x" in named(queue.take(most=256))


def test_each_users_commands_keep_their_order_and_turns_go_round() -> None:
    queue = CommandQueue(most=100, most_of_user=100)
    for user in ("a", "b", "c"):
        for number in range(4):
            queue.add(user, command(user, f"{user}{number}"))
    groups = [named(queue.take(most=2)) for _ in range(6)]
    assert groups == [["a0", "b0"], ["c0", "a1"], ["b1", "c1"], ["a2", "b2"], ["c2", "a3"], ["b3", "c3"]]
    assert len(queue) == 0


def test_who_did_not_fit_comes_first_in_the_next_group() -> None:
    queue = CommandQueue(most=100, most_of_user=100)
    queue.add("a", command("a", "1"))
    queue.add("b", command("b", *"defgh"))
    queue.add("c", command("c", "2"))
    queue.add("c", command("c", "3"))
    assert named(queue.take(most=3)) == ["1", "2", "3"]
    assert named(queue.take(most=3)) == ["defgh"], "alone, it may be larger"


def test_a_command_waits_for_the_users_own_before_it_about_the_same_order() -> None:
    queue = CommandQueue(most=100, most_of_user=100)
    for _ in range(2):
        queue.add("a", command("a", "1"))
    queue.add("a", command("a", "2"))
    queue.add("b", command("b", "1"))
    assert named(queue.take(most=9)) == ["1", "1"], "of another user"
    assert named(queue.take(most=9)) == ["1", "2"]


def test_too_many_of_one_users_commands_are_refused_to_that_user_alone() -> None:
    queue = CommandQueue(most=5, most_of_user=3)
    for number in range(3):
        queue.refuse_above_most("a")
        queue.add("a", command("a", str(number)))
    with pytest.raises(EngineBusy, match="3 of your own"):
        queue.refuse_above_most("a")
    for number in range(2):
        queue.refuse_above_most("b")
        queue.add("b", command("b", str(number)))
    with pytest.raises(EngineBusy, match="more to do"):
        queue.refuse_above_most("c")
    queue.take(most=9)
    queue.refuse_above_most("a")
