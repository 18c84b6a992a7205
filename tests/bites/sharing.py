"""The guards of F135 and what follows: one caller and another."""

from bites.case import Bite

TURNS = "server/api/test_fair_queue.py::"
STORM = "server/api/auth/test_password_storm.py::"
LOCKOUT = "server/api/auth/test_lockout.py::"
SHARED_LOCKOUT = "server/api/auth/test_shared_lockout.py::"
SHARED_RATES = "server/api/http/test_shared_rate_limits.py::"
SHARED_STORE = "server/store/test_shared_limits.py::"
ROOM = "server/api/test_book_quota.py::"
LARGE = "server/api/wire/test_large.py::"
CATCH_UP = "server/api/stream/test_catch_up.py::"

SHARING_BITES = (
    Bite(
        fault="F135",
        guard="sign-ins come before registrations",
        file="api/auth/passwords.py",
        line="self._queue.take(address, purpose)",
        instead="self._queue.take(address)",
        tests=(STORM + "test_a_storm_of_registrations_keeps_nobody_from_signing_in",),
    ),
    Bite(
        fault="F135",
        guard="passwords have threads of their own",
        file="runtime/threads.py",
        line="        return await asyncio.get_running_loop().run_in_executor(self._pool, work)\n",
        instead="        return await asyncio.to_thread(work)\n",
        tests=(STORM + "test_other_work_in_threads_keeps_nobody_from_signing_in",),
    ),
    Bite(
        fault="F135",
        guard="whoever asks for much waits behind themselves",
        file="api/fair_queue.py",
        line="        self._waiting.move_to_end(key)\n",
        instead="",
        tests=(TURNS + "test_keys_take_turns_however_many_one_has_waiting",),
    ),
    Bite(
        fault="F136",
        guard="waits for wrong passwords grow",
        file="api/auth/failure_delays.py",
        line="SECOND << min(failures - self.free, _MOST_DOUBLINGS)",
        instead="SECOND",
        tests=(LOCKOUT + "test_each_wrong_password_doubles_the_wait_up_to_the_longest",),
    ),
    Bite(
        fault="F136",
        guard="who waited as long as told may try",
        file="api/auth/lockout.py",
        line="return min(of_name, max(0, told - now))",
        instead="return of_name",
        tests=(LOCKOUT + "test_who_waited_as_long_as_told_may_try_whatever_strangers_did_meanwhile",),
    ),
    Bite(
        fault="F136",
        guard="gateways count a password try together before it is looked at",
        file="api/auth/shared_lockout.py",
        line="                self._count(held, keys, look.counted)\n",
        instead="                pass\n",
        tests=(SHARED_LOCKOUT + "test_forty_guesses_at_once_on_four_gateways_are_three",),
    ),
    Bite(
        fault="F136",
        guard="who signed in at one gateway is known to all",
        file="api/auth/shared_lockout.py",
        line="await self._end(counted, known=keys.pair)",
        instead="await self._end(counted)",
        tests=(
            SHARED_LOCKOUT + "test_who_signed_in_at_one_gateway_is_kept_out_at_none_by_others",
            SHARED_LOCKOUT + "test_one_after_another_they_are_as_one",
        ),
    ),
    Bite(
        fault="F136",
        guard="what two gateways count at once is counted twice",
        file="store/shared_limits.py",
        line='{"failures": table.failures + 1, "last": NOW}',
        instead='{"failures": (await self.seen(keys)).of[keys[-1]].failures.count + 1, "last": NOW}',
        tests=(SHARED_STORE + "test_tries_counted_at_once_by_two_gateways_all_count",),
    ),
    Bite(
        fault="F136",
        guard="gateways tell each other what they let pass",
        file="api/http/shared_rate_limits.py",
        line="            self._untold[key] += 1\n",
        instead="            pass\n",
        tests=(
            SHARED_RATES + "test_between_two_exchanges_the_allowance_is_one",
            SHARED_RATES + "test_together_they_let_pass_what_one_does_and_a_second_of_each_other",
        ),
    ),
    Bite(
        fault="F140",
        guard="keys that two gateways add at once are counted one after another",
        file="store/keys.py",
        line="            await connection.execute(_alone_with(key.user_id))\n",
        instead="",
        tests=(SHARED_STORE + "test_keys_added_by_two_gateways_at_once_are_no_more_than_allowed",),
    ),
    Bite(
        fault="F137",
        guard="an address without a sign-in, and a user, have so many books",
        file="api/book_quota.py",
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
        file="api/book_quota.py",
        line="            if reader.anonymous or not self._let_go_of(None):\n",
        instead="            if True:\n",
        tests=(ROOM + "test_books_of_callers_without_a_sign_in_make_room_for_users",),
    ),
    Bite(
        fault="F137",
        guard="books of all callers without a sign-in are bounded together",
        file="api/book_quota.py",
        line="            self._check_anonymous(reader, len(counted))\n",
        instead="            pass\n",
        tests=(ROOM + "test_addresses_share_what_there_is_for_callers_without_a_sign_in",),
    ),
    Bite(
        fault="F140",
        guard="a refresh token that nobody was given takes no turn at writing",
        file="store/sign_ins.py",
        line="            return RotationResult(outcome=Rotation.UNKNOWN)\n        async with",
        instead="            pass\n        async with",
        tests=("server/store/test_accounts.py::test_an_unknown_token_takes_no_turn_at_writing",),
    ),
    Bite(
        fault="F140",
        guard="one transaction of accounts at a time waits among those of orders",
        file="store/database.py",
        line="async with _held(self._turn_of_accounts), self.transaction() as connection:",
        instead="async with self.transaction() as connection:",
        tests=(
            "server/store/test_accounts.py::"
            "test_orders_wait_for_one_of_the_accounts_transactions_however_many_there_are",
        ),
    ),
    Bite(
        fault="F140",
        guard="keys of a user are made one at a time",
        file="api/auth/api_keys.py",
        line="        async with self._changing.take(caller.user_id):\n            adding",
        instead="        if True:\n            adding",
        tests=(
            "server/api/auth/test_api_keys.py::test_a_user_who_asks_for_many_keys_at_once_waits_behind_themselves",
        ),
    ),
    Bite(
        fault="F138",
        guard="one large answer of a user is made at a time",
        file="api/wire/large.py",
        line="refusal=_BUSY, per_key=1)",
        instead="refusal=_BUSY)",
        tests=(LARGE + "test_a_user_has_so_many_large_answers_and_others_are_not_kept",),
    ),
    Bite(
        fault="F138",
        guard="who asks for what is about to be made gets the same",
        file="api/wire/large.py",
        line="        if flight is not None:\n            return await asyncio.shield(flight)\n",
        instead="",
        tests=(LARGE + "test_readers_of_one_order_share_what_is_about_to_be_made",),
    ),
    Bite(
        fault="F139",
        guard="a reader has one catch-up, however often it asks",
        file="api/stream/order_feed.py",
        line="        if mark.number != self._marks:\n            return False\n",
        instead="",
        tests=(CATCH_UP + "test_asking_three_hundred_times_is_one_catch_up_for_each_connection",),
    ),
    Bite(
        fault="F139",
        guard="a page of order events of one user is read at a time",
        file="api/services.py",
        line='refusal="", per_key=1',
        instead='refusal=""',
        tests=(
            CATCH_UP + "test_asking_three_hundred_times_is_one_catch_up_for_each_connection",
            CATCH_UP + "test_others_have_their_turn_and_new_connections_get_in",
        ),
    ),
    Bite(
        fault="F139",
        guard="what was asked for and not sent yet is not lost by asking again",
        file="api/stream/order_feed.py",
        line="self._since if self._sent is None else min(self._since, self._sent)",
        instead="self._since",
        tests=(CATCH_UP + "test_nothing_that_was_asked_for_is_lost_and_nothing_comes_twice_unasked",),
    ),
)
