"""The guards between an exchange's messages and a book that is called live."""

from bites.case import Bite

COLLECTOR = "server/collector/"
OWNERSHIP = COLLECTOR + "test_ownership.py::"

FEED = (
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
