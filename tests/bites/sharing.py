"""The guards of F135 and what follows: one caller and another."""

from bites.case import Bite

TURNS = "server/api/test_fair_turns.py::"
STORM = "server/api/test_password_storm.py::"
LOCKOUT = "server/api/test_lockout.py::"
ROOM = "server/api/test_book_room.py::"

SHARING_BITES = (
    Bite(
        fault="F135",
        guard="sign-ins come before registrations",
        file="api/passwords.py",
        line="self._turns.take(address, purpose)",
        instead="self._turns.take(address)",
        tests=(STORM + "test_a_storm_of_registrations_keeps_nobody_from_signing_in",),
    ),
    Bite(
        fault="F135",
        guard="passwords have threads of their own",
        file="api/passwords.py",
        line="return await self._threads.run(work)",
        instead="import asyncio\n            return await asyncio.to_thread(work)",
        tests=(STORM + "test_other_work_in_threads_keeps_nobody_from_signing_in",),
    ),
    Bite(
        fault="F135",
        guard="whoever asks for much waits behind themselves",
        file="api/fair_turns.py",
        line="        self._waiting.move_to_end(key)\n",
        instead="",
        tests=(TURNS + "test_keys_take_turns_however_many_one_has_waiting",),
    ),
    Bite(
        fault="F136",
        guard="waits for wrong passwords grow",
        file="api/delays.py",
        line="SECOND << min(failures - self._free, _MOST_DOUBLINGS)",
        instead="SECOND",
        tests=(LOCKOUT + "test_each_wrong_password_doubles_the_wait_up_to_the_longest",),
    ),
    Bite(
        fault="F136",
        guard="who waited as long as told may try",
        file="api/lockout.py",
        line="return min(of_name, max(0, told - now))",
        instead="return of_name",
        tests=(LOCKOUT + "test_who_waited_as_long_as_told_may_try_whatever_strangers_did_meanwhile",),
    ),
    Bite(
        fault="F137",
        guard="an address without a sign-in, and a user, have so many books",
        file="api/book_room.py",
        line="        self._check_own(reader, len(known) + len(counted))\n",
        instead="",
        tests=(
            ROOM + "test_an_address_has_so_many_books_within_a_minute",
            ROOM + "test_one_user_leaves_room_for_others",
        ),
    ),
    Bite(
        fault="F137",
        guard="books of callers without a sign-in make room for users",
        file="api/book_room.py",
        line="            if reader.anonymous or not self._let_go_of(None):\n",
        instead="            if True:\n",
        tests=(ROOM + "test_books_of_callers_without_a_sign_in_make_room_for_users",),
    ),
    Bite(
        fault="F137",
        guard="books of all callers without a sign-in are bounded together",
        file="api/book_room.py",
        line="            self._check_anonymous(reader, len(counted))\n",
        instead="            pass\n",
        tests=(ROOM + "test_addresses_share_what_there_is_for_callers_without_a_sign_in",),
    ),
)
