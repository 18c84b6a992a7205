"""The guards of F183–F184: an exchange whose symbols several collectors share."""

from bites.case import Bite

LEASES = "server/store/test_part_leases.py::"
KEEPER = "server/cluster/test_leases.py::"
PARTS = "server/cluster/test_parts.py::"
_ROWS = "store/part_leases.py"
_DIVISION = "test_no_other_division_is_taken_while_one_lease_of_one_is_held"

PARTS_BITES = (
    Bite(
        fault="F183",
        guard="no part is taken while another division of the exchange is held",
        file=_ROWS,
        line=", ~others.exists()",
        instead="",
        tests=(LEASES + _DIVISION,),
    ),
    Bite(
        fault="F183",
        guard="no part is taken while somebody has the whole exchange",
        file=_ROWS,
        line="    if is_whole_held:\n        return []\n",
        instead="",
        tests=(LEASES + _DIVISION,),
    ),
    Bite(
        fault="F183",
        guard="the whole exchange is not free while a part is held",
        file=_ROWS,
        line="                if names:\n                    await _keep_whole(connection, exchange)\n",
        instead="",
        tests=(LEASES + "test_a_node_that_knows_of_no_parts_is_kept_out_and_keeps_out",),
    ),
    Bite(
        fault="F183",
        guard="who takes parts does so one at a time",
        file=_ROWS,
        line="whole.with_for_update()",
        instead="whole",
        tests=(LEASES + "test_divisions_never_overlap_whoever_comes_when",),
    ),
    Bite(
        fault="F183",
        guard="a part that ran out is not renewed",
        file=_ROWS,
        line="*is_in(rows), leases.c.until > NOW",
        instead="*is_in(rows)",
        tests=(LEASES + "test_a_part_that_ran_out_is_not_renewed",),
    ),
    Bite(
        fault="F183",
        guard="each taking has an epoch above all of its exchange",
        file=_ROWS,
        line="count(epoch + 1)",
        instead="count(1)",
        tests=(LEASES + "test_who_takes_what_ran_out_has_an_epoch_above_all_of_before",),
    ),
    Bite(
        fault="F183",
        guard="who stands still while it takes a part keeps nobody from renewing",
        file="store/postgresql.py",
        line="_STANDS_STILL_URGENTLY if urgent else _STANDS_STILL",
        instead="_STANDS_STILL",
        tests=(LEASES + "test_one_who_stands_still_while_taking_a_part_keeps_nobody_from_renewing",),
    ),
    Bite(
        fault="F183",
        guard="nobody gives a part away to a node that waits",
        file="cluster/leases.py",
        line='        self._life.note_trouble(f"{self._role} waits", self._waiting)\n',
        instead="        pass\n",
        tests=(KEEPER + "test_a_node_of_another_division_waits_until_the_others_have_stopped",),
    ),
    Bite(
        fault="F183",
        guard="nobody gives a part away to a node that knows of none",
        file="cluster/leases.py",
        line="TAKES_PARTS if any(map(is_of_a_part, self._names)) else role\n",
        instead="role\n",
        tests=(KEEPER + "test_nothing_is_left_to_a_node_that_knows_of_no_parts",),
    ),
    Bite(
        fault="F184",
        guard="what a division of before tells counts for nothing",
        file="cluster/replica_division.py",
        line="            if told.epoch <= max(one.epoch for one in self.parts):\n",
        instead="            if told.epoch < 0:\n",
        tests=(PARTS + "test_a_division_of_before_that_wakes_up_late_is_ignored",),
    ),
    Bite(
        fault="F184",
        guard="with another division no book goes by the word of the one before",
        file="cluster/replica_exchange.py",
        line="            replica.heed(self._division.part_of(symbol).word)\n",
        instead="            pass\n",
        tests=(PARTS + "test_with_the_first_word_of_a_new_division_no_book_of_the_old_one_is_trusted",),
    ),
    Bite(
        fault="F184",
        guard="a book goes by the word of its own part",
        file="cluster/replica_exchange.py",
        line="word=self._division.part_of(symbol).word",
        instead="word=self._division.parts[0].word",
        tests=(PARTS + "test_one_silent_part_makes_only_its_own_books_untrusted",),
    ),
    Bite(
        fault="F184",
        guard="of an instrument the list of its own part counts",
        file="cluster/replica_list.py",
        line="            self._leave_out()\n",
        instead="            pass\n",
        tests=(PARTS + "test_of_an_instrument_the_list_of_its_own_part_counts",),
    ),
    Bite(
        fault="F184",
        guard="a collector collects nothing of another part",
        file="cluster/heard_wants.py",
        line="{symbol for symbol in symbols if self._part.has(symbol)}",
        instead="set(symbols)",
        tests=(PARTS + "test_each_collects_its_part_and_a_reader_has_the_whole",),
    ),
)
