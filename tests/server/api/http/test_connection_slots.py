"""Who may enter, and who gives way: pure counting."""

from twap_server.api.http.connection_slots import (
    KNOWN_BORNE_S,
    STRANGER_BORNE_S,
    ConnectionSlots,
    Full,
    SlotHolder,
)


class Crowd:
    """ConnectionSlots, and what became of the guests."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self.slots = ConnectionSlots(most, most_of_one)
        self.left: list[str] = []

    def holder(self, name: str, site: str | None = "a", *, known: bool = False) -> SlotHolder:
        holder = SlotHolder(site, lambda: self.left.append(name))
        holder.is_known = known
        return holder

    def enter(self, name: str, site: str | None = "a", *, now: float = 0, known: bool = False) -> Full | None:
        holder = self.holder(name, site, known=known)
        full = self.slots.enter(holder, now)
        if full is None:
            self.slots.wait(holder, now)
        return full


def test_one_address_has_its_own_bound() -> None:
    crowd = Crowd(10, 2)
    assert [crowd.enter(name) for name in "xyz"] == [None, None, Full.ADDRESS]
    assert crowd.enter("other", "b") is None
    assert len(crowd.slots) == 3


def test_of_unknown_site_only_the_bound_of_all_counts() -> None:
    crowd = Crowd(3, 1)
    assert [crowd.enter(name, None) for name in "wxyz"] == [None, None, None, Full.ALL]


def test_who_waits_longest_gives_way_and_nobody_who_has_just_come() -> None:
    crowd = Crowd(2, 2)
    crowd.enter("first")
    crowd.enter("second", now=0.5)
    assert crowd.enter("third", now=STRANGER_BORNE_S - 0.1) is Full.ADDRESS and not crowd.left
    assert crowd.enter("fourth", now=STRANGER_BORNE_S) is None
    assert crowd.left == ["first"] and len(crowd.slots) == 2


def test_an_address_that_is_full_makes_room_among_its_own() -> None:
    crowd = Crowd(10, 1)
    crowd.enter("other's", "b")
    crowd.enter("mine")
    assert crowd.enter("mine too", now=9) is None
    assert crowd.left == ["mine"]


def test_strangers_give_way_before_the_known() -> None:
    crowd = Crowd(2, 2)
    crowd.enter("known", known=True)
    crowd.enter("stranger", now=3)
    assert crowd.enter("newcomer", "b", now=KNOWN_BORNE_S) is None
    assert crowd.left == ["stranger"]
    assert crowd.enter("another", "b", now=KNOWN_BORNE_S + 0.1) is None
    assert crowd.left == ["stranger", "known"]


def test_the_address_with_most_gives_way_to_one_with_less() -> None:
    crowd = Crowd(6, 3)
    for name, site in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b"), ("c1", "c")):
        crowd.enter(name, site)
    assert crowd.enter("c2", "c") is None and crowd.left == ["a1"]
    assert [crowd.enter(name, site) for name, site in (("a4", "a"), ("b3", "b"))] == [Full.ALL, Full.ALL]
    assert crowd.enter("d1", "d") is None and len(crowd.left) == 2
    assert crowd.enter("d2", "d") is Full.ALL, "all have one or two now"


def test_nobody_known_or_served_gives_way_to_an_address_with_less() -> None:
    crowd = Crowd(2, 2)
    known, busy = crowd.holder("known", known=True), crowd.holder("served")
    for holder in (known, busy):
        crowd.slots.enter(holder, 0)
        crowd.slots.wait(holder, 0)
    crowd.slots.work(busy)
    assert crowd.enter("newcomer", "b") is Full.ALL


def test_who_is_served_gives_way_to_nobody() -> None:
    crowd = Crowd(1, 1)
    holder = crowd.holder("served")
    assert crowd.slots.enter(holder, 0) is None
    crowd.slots.wait(holder, 0)
    crowd.slots.work(holder)
    assert crowd.enter("newcomer", "b", now=100) is Full.ALL
    crowd.slots.wait(holder, 100)
    assert crowd.enter("newcomer", "b", now=100) is Full.ALL, "it waits since just now"


def test_leaving_makes_room_and_leaves_nothing_behind() -> None:
    crowd = Crowd(1, 1)
    holder = crowd.holder("one")
    crowd.slots.enter(holder, 0)
    for _ in range(2):
        crowd.slots.leave(holder)
    assert not len(crowd.slots) and not crowd.slots._of_site
    crowd.slots.wait(holder, 0)
    assert crowd.enter("two") is None and crowd.enter("three", now=99) is None
    assert crowd.left == ["two"]
