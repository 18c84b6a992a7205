"""The guards of F135 and F136: one caller and another."""

from bites.case import Bite

TURNS = "server/api/test_fair_turns.py::"
STORM = "server/api/test_password_storm.py::"
LOCKOUT = "server/api/test_lockout.py::"

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
)
