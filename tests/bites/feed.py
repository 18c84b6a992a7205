"""The guards between an exchange's messages and a book that is called live."""

from bites.case import Bite

COLLECTOR = "server/collector/"
OWNERSHIP = COLLECTOR + "test_ownership.py::"
UNREADABLE = COLLECTOR + "test_unreadable.py::"

FEED = (
    Bite(
        fault="F71",
        guard="a change that cannot be read costs its book its trust",
        file="collector/session.py",
        line="        self._healer.doubt(error)\n",
        instead="",
        tests=(UNREADABLE + "test_each_book_it_may_have_changed_is_doubted_at_once",),
    ),
    Bite(
        fault="F71",
        guard="what cannot be read ends the proof of a quiet market",
        file="collector/healing.py",
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
        line="            asked.book = book\n            book.resync(",
        instead="            continue\n            book.resync(",
        tests=(OWNERSHIP + "test_a_book_wanted_again_while_its_unsubscription_waits_is_fed",),
    ),
    Bite(
        fault="F74",
        guard="whoever waits for a message reads",
        file="collector/bursts.py",
        line="            self.transport.resume_reading()\n            self._woken =",
        instead="            self._woken =",
        tests=(COLLECTOR + "test_bursts.py::test_half_a_message_behind_a_burst_does_not_stop_the_reading",),
    ),
)
