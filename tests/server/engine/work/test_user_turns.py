"""engine/work/user_turns.py: users take turns, whoever has how many orders due."""

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from twap_server.domain.clock import Nanos
from twap_server.engine.timers import Agenda
from twap_server.engine.work.user_turns import UserTurns

NOW = Nanos(1_000)
DUE = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1_000)), max_size=80)
"""Orders that are due: their user and their moment."""


def filled(due: list[tuple[int, int]]) -> tuple[UserTurns, dict[str, tuple[str, int]]]:
    turns, orders = UserTurns(), {}
    for number, (user, moment) in enumerate(due):
        orders[f"o-{number:03}"] = (f"u-{user}", moment)
        turns.set(f"u-{user}", f"o-{number:03}", Nanos(moment))
    return turns, orders


def taken(turns: UserTurns, most: int = 10_000) -> list[str]:
    found: list[str] = []
    while len(found) < most and (order_id := turns.take(NOW)) is not None:
        found.append(order_id)
    return found


@given(due=DUE)
def test_every_due_order_is_taken_once_and_of_one_user_the_earliest_first(due: list[tuple[int, int]]) -> None:
    turns, orders = filled(due)
    found = taken(turns)
    assert sorted(found) == sorted(orders)
    by_user: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for order_id in found:
        user, moment = orders[order_id]
        by_user[user].append((moment, order_id))
    assert all(mine == sorted(mine) for mine in by_user.values())
    assert turns.next() is None


@given(due=DUE, most=st.integers(1, 60))
def test_of_any_piece_each_waiting_user_gets_at_least_an_equal_share(
    due: list[tuple[int, int]], most: int
) -> None:
    turns, orders = filled(due)
    left = Counter(user for user, _ in orders.values())
    while left:
        waiting = dict(left)
        found = Counter(orders[order_id][0] for order_id in taken(turns, most))
        assert all(found[user] >= min(count, most // len(waiting)) for user, count in waiting.items())
        left -= found


@given(moments=st.lists(st.integers(0, 1_000), max_size=60))
def test_one_user_alone_is_served_as_by_one_heap(moments: list[int]) -> None:
    turns, _ = filled([(1, moment) for moment in moments])
    alone = Agenda()
    for number, moment in enumerate(moments):
        alone.set(f"o-{number:03}", Nanos(moment))
    assert taken(turns) == alone.due(NOW, most=100)


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("set"), st.integers(0, 3), st.integers(0, 5), st.integers(0, 400)),
            st.tuples(st.just("drop"), st.integers(0, 3), st.integers(0, 5), st.just(0)),
            st.tuples(st.just("charge"), st.integers(0, 3), st.just(0), st.integers(0, 30)),
            st.tuples(st.just("take"), st.just(0), st.just(0), st.integers(0, 40)),
        ),
        max_size=120,
    )
)
def test_it_knows_what_is_due_whatever_was_set_dropped_and_charged(
    steps: list[tuple[str, int, int, int]],
) -> None:
    turns, now = UserTurns(), 0
    wanted: dict[str, tuple[str, int]] = {}
    for kind, user, order, number in steps:
        user_id, order_id = f"u-{user}", f"o-{user}-{order}"
        if kind == "set":
            turns.set(user_id, order_id, Nanos(number))
            wanted[order_id] = (user_id, number)
        elif kind == "drop":
            turns.drop(user_id, order_id)
            wanted.pop(order_id, None)
        elif kind == "charge":
            turns.charge(user_id, number)
        else:
            now += number
            found = turns.take(Nanos(now))
            due = {one for one, (_, moment) in wanted.items() if moment <= now}
            assert (found in due) if due else (found is None)
            if found is not None:
                mine = wanted.pop(found)
                assert all(mine[1] <= at for one, at in wanted.values() if one == mine[0])
        first = turns.next()
        earliest = min((moment for _, moment in wanted.values()), default=None)
        assert first == earliest or (first is not None and earliest is not None and first <= now)


def test_what_was_settled_beyond_one_slice_is_paid_for_with_turns() -> None:
    turns = UserTurns()
    for number in range(20):
        turns.set("heavy", f"h-{number:02}", Nanos(0))
        turns.set("light", f"l-{number:02}", Nanos(1))
    assert turns.take(NOW) == "h-00"
    turns.charge("heavy", 9)
    assert taken(turns, 11) == [*(f"l-{number:02}" for number in range(10)), "h-01"]


def test_who_was_away_has_saved_nothing_up() -> None:
    turns = UserTurns()
    for number in range(50):
        turns.set("busy", f"b-{number:02}", Nanos(0))
    assert len(taken(turns, 30)) == 30
    for number in range(10):
        turns.set("back", f"x-{number:02}", Nanos(5))
    assert Counter(one[0] for one in taken(turns, 10)) == {"b": 5, "x": 5}


def test_users_who_come_and_go_take_no_more_room() -> None:
    turns = UserTurns()
    for number in range(20_000):
        turns.set("ada", f"o-{number}", Nanos(10**12 - number))
        turns.drop("ada", f"o-{number}")
    assert len(turns._later) <= 2_100
    assert (turns.users, turns.next()) == (0, None)
