"""The guards of F178–F182: books that one node collects and others read."""

from bites.case import Bite

BOOK = "server/cluster/test_replica_book.py::"
HEARD = "server/cluster/test_heard_book.py::"
MARKET = "server/cluster/test_replica_market.py::"
QUESTIONS = "server/cluster/test_questions.py::"

REPLICA_BITES = (
    Bite(
        fault="F178",
        guard="a hole in the numbers of a book is noticed",
        file="cluster/heard_book.py",
        line="        if told.number != self.number + 1:\n",
        instead="        if told.number < 0:\n",
        tests=(BOOK + "test_a_lost_change_is_noticed_by_the_next_and_the_book_healed",),
    ),
    Bite(
        fault="F178",
        guard="what is told of a book twice is taken once",
        file="cluster/heard_book.py",
        line="        if told.number <= self.number:\n            return\n",
        instead="",
        tests=(HEARD + "test_what_is_told_twice_or_late_changes_nothing",),
    ),
    Bite(
        fault="F178",
        guard="a pulse shows that the last message was lost",
        file="cluster/heard_book.py",
        line="        elif self.number < self._due:\n",
        instead="        elif self.number < 0:\n",
        tests=(BOOK + "test_a_lost_last_change_is_noticed_within_two_pulses",),
    ),
    Bite(
        fault="F178",
        guard="after a loss of the connection every replica begins anew",
        file="cluster/replica_exchange.py",
        line='            replica.lose("the connection to the other nodes was lost")\n',
        instead="            pass\n",
        tests=(BOOK + "test_nats_back_after_a_loss_begins_every_book_anew",),
    ),
    Bite(
        fault="F179",
        guard="what a replaced collector tells of a book is ignored",
        file="cluster/heard_book.py",
        line=(
            "        self.begin(told.epoch)\n"
            "        if told.epoch != self.epoch:\n            return\n        if not"
        ),
        instead="        self.begin(told.epoch)\n        if not",
        tests=(BOOK + "test_a_new_owner_is_followed_and_the_old_one_ignored",),
    ),
    Bite(
        fault="F179",
        guard="the whole book of a replaced collector is none",
        file="cluster/heard_book.py",
        line="        if whole.epoch != self.epoch or not self.is_waiting",
        instead="        if not self.is_waiting",
        tests=(HEARD + "test_a_whole_book_of_an_old_owner_is_none",),
    ),
    Bite(
        fault="F179",
        guard="the pulses of a replaced collector count for nothing",
        file="cluster/replica_division.py",
        line="        return None if told.epoch < part.epoch else part\n",
        instead="        return part\n",
        tests=(BOOK + "test_a_new_owner_is_followed_and_the_old_one_ignored",),
    ),
    Bite(
        fault="F179",
        guard="parts of two owners' answers are not put together",
        file="cluster/questions.py",
        line="    if answer and more.by != answer[0].by:\n",
        instead="    if answer and not answer:\n",
        tests=(QUESTIONS + "test_parts_of_two_nodes_answers_are_not_put_together",),
    ),
    Bite(
        fault="F180",
        guard="without a word from its collector no book is trusted",
        file="cluster/collector_word.py",
        line="        return self._word.is_silent or super().is_silent\n",
        instead="        return super().is_silent\n",
        tests=(BOOK + "test_a_collector_that_says_nothing_is_not_trusted_after_two_seconds",),
    ),
    Bite(
        fault="F180",
        guard="a pulse that came late counts from when it was told",
        file="cluster/collector_word.py",
        line="Nanos(now - late), True\n",
        instead="Nanos(now), True\n",
        tests=(BOOK + "test_pulses_that_come_ever_later_are_not_trusted",),
    ),
    Bite(
        fault="F180",
        guard="the silence of an exchange goes on at a reader",
        file="cluster/heard_book.py",
        line="        pulse.heard_at = Nanos(self._clock.monotonic() - told.silence - late)\n",
        instead="        pulse.heard_at = Nanos(self._clock.monotonic())\n",
        tests=(BOOK + "test_the_silence_of_the_exchange_goes_on_by_the_readers_clock",),
    ),
    Bite(
        fault="F181",
        guard="books of all gateways together are bounded",
        file="cluster/heard_wants.py",
        line="        node.refused = self._beyond(symbols)\n",
        instead="        node.refused = set()\n",
        tests=(BOOK + "test_books_beyond_the_bound_of_all_readers_wait_and_those_of_orders_do_not",),
    ),
    Bite(
        fault="F181",
        guard="books that orders want have no bound among nodes",
        file="cluster/heard_wants.py",
        line="        self._hold(node, owner_of_order(name), self._own(wanted.of_orders))\n",
        instead="        self._hold(node, owner_of_order(name), ())\n",
        tests=(BOOK + "test_books_beyond_the_bound_of_all_readers_wait_and_those_of_orders_do_not",),
    ),
    Bite(
        fault="F181",
        guard="a collector that can hear nobody forgets nobody",
        file="cluster/heard_wants.py",
        line="            if not can_hear:\n",
        instead="            if node.until < 0:\n",
        tests=(BOOK + "test_a_collector_that_cannot_hear_forgets_nobody",),
    ),
    Bite(
        fault="F182",
        guard="a question that goes wrong ends no collecting",
        file="cluster/market_answers.py",
        line="        except Exception:\n",
        instead="        except NotHere:\n",
        tests=(MARKET + "test_a_question_that_cannot_be_read_or_answered_ends_no_collecting",),
    ),
    Bite(
        fault="F182",
        guard="answers that nobody asks for any more are forgotten",
        file="cluster/questions.py",
        line="            if self._known[question_id].since >= oldest and self._size <= _MOST_KEPT:\n",
        instead="            if question_id:\n",
        tests=(
            QUESTIONS + "test_answers_are_forgotten_after_a_while",
            QUESTIONS + "test_no_more_answers_are_kept_than_there_is_room_for",
        ),
    ),
)
