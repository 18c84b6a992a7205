"""The guards between an exchange's messages and a book that is called live."""

from bites.case import Bite

COLLECTOR = "server/collector/"
OWNERSHIP = COLLECTOR + "test_ownership.py::"
SILENCE = COLLECTOR + "test_silence.py::"
UNREADABLE = COLLECTOR + "test_unreadable.py::"

FEED = (
    Bite(
        fault="F71",
        guard="a change that cannot be read costs its book its trust",
        file="collector/session.py",
        line="        self._resync.doubt(error)\n",
        instead="",
        tests=(UNREADABLE + "test_each_book_it_may_have_changed_is_doubted_at_once",),
    ),
    Bite(
        fault="F71",
        guard="what cannot be read ends the proof of a quiet market",
        file="collector/resync.py",
        line="book.status in (BookStatus.LIVE, BookStatus.RESYNCING)",
        instead="book.status is BookStatus.LIVE",
        tests=(UNREADABLE + "test_a_quiet_market_is_not_proven_over_what_could_not_be_read",),
    ),
    Bite(
        fault="F71",
        guard="a new kind of message with levels is a change",
        file="exchanges/kraken/mapper.py",
        line="_LEVELS & (envelope(one) or {}).keys()",
        instead="()",
        tests=(UNREADABLE + "test_each_book_it_may_have_changed_is_doubted_at_once",),
    ),
    Bite(
        fault="F72",
        guard="a book of a silent connection is not filled from",
        file="engine/market/eligibility.py",
        line="    if live.is_silent:\n        return SliceReason.STALE_BOOK\n",
        instead="",
        tests=("server/engine/test_engine.py::test_a_slice_waits_for_a_silent_connection_then_misses",),
    ),
    Bite(
        fault="F72",
        guard="a book of a silent connection is not shown as live",
        file="books/live.py",
        line="BookStatus.STALE if self.status is _LIVE and self.is_silent else self.status",
        instead="self.status",
        tests=(SILENCE + "test_a_mute_connection_is_trusted_for_three_seconds",),
    ),
    Bite(
        fault="F20",
        guard="a snapshot that nothing has proven forgets no own impact",
        file="books/live.py",
        line="        if status is _LIVE:\n",
        instead="        if True:\n",
        tests=(
            "server/books/test_books.py::TestLiveBook::test_a_snapshot_that_nothing_has_proven_takes_no_mark",
        ),
    ),
    Bite(
        fault="F72",
        guard="where a beat comes, silence is borne for three seconds",
        file="collector/silence.py",
        line="return min(_FEW * self._beat, LEAST)",
        instead="return MOST",
        tests=(SILENCE + "test_a_mute_connection_is_trusted_for_three_seconds",),
    ),
    Bite(
        fault="F72",
        guard="silence that goes on does not make itself normal",
        file="collector/silence.py",
        line="        if heard_at != self._heard_at:\n",
        instead="        if now:\n",
        tests=(SILENCE + "test_a_silence_that_goes_on_does_not_make_itself_normal",),
    ),
    Bite(
        fault="F73",
        guard="what readers find and what is fed is one mapping",
        file="collector/shard.py",
        line="self._start(group, self._books, primary=True)",
        instead="self._start(group, dict(self._books), primary=True)",
        tests=(OWNERSHIP + "test_a_book_wanted_again_while_its_unsubscription_waits_is_fed",),
    ),
    Bite(
        fault="F73",
        guard="a book wanted again before the exchange was told is taken up",
        file="collector/subscriptions.py",
        line="            asked.book, book.pulse = book, self._pulse\n",
        instead="            continue\n",
        tests=(OWNERSHIP + "test_a_book_wanted_again_while_its_unsubscription_waits_is_fed",),
    ),
    Bite(
        fault="F74",
        guard="whoever waits for a message reads",
        file="collector/inbox.py",
        line="            self._transport.resume_reading()\n            self._woken =",
        instead="            self._woken =",
        tests=(
            COLLECTOR + "test_websocket.py::test_half_a_message_behind_a_burst_does_not_stop_the_reading",
        ),
    ),
    Bite(
        fault="F74",
        guard="picows hands on nothing that it has refused",
        file="collector/fast_websocket.py",
        line="        if frame.payload_size > self._max_size:\n",
        instead="        if False:\n",
        tests=(COLLECTOR + "test_websocket.py::test_a_message_that_is_too_long_ends_the_connection",),
    ),
)
