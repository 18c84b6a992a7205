"""The guards of results over what nobody read, of two servers on one file, and of clocks that are set."""

from bites.case import Bite

REPLAY = "server/replay/test_replay.py::"
RECORDING = "server/recordings/test_frames.py::"
SQLITE = "server/store/test_sqlite.py::"
ENGINE = "server/engine/test_engine.py::"
CLOCK = "server/test_clock.py::"
_COARSE = "test_what_was_taken_counts_below_the_lot_of_an_order_on_coarser_exchanges_too"

MONEY_BITES = (
    Bite(
        fault="F89",
        guard="no replay tells a result over messages that nobody read",
        file="bootstrap/replay_run.py",
        line="        if unread.share(frames) > allowed and not",
        instead="        if unread.share(frames) > 100 and not",
        tests=(REPLAY + "test_no_result_over_messages_that_nobody_read",),
    ),
    Bite(
        fault="F89",
        guard="a recording that breaks off has no result",
        file="bootstrap/replay_run.py",
        line="        if self.player.tape.failure is not None:\n            raise self.player.tape.failure\n",
        instead="",
        tests=(REPLAY + "test_a_recording_that_breaks_off_in_the_middle_has_no_result",),
    ),
    Bite(
        fault="F89",
        guard="digits tell the unit of a time",
        file="domain/clock.py",
        line="    return next((unit for least, unit in _UNITS if number >= least), SECOND)\n",
        instead="    return MILLISECOND if number >= 0 else SECOND\n",
        tests=(
            REPLAY + "test_digits_tell_the_unit_of_event_times",
            RECORDING + "test_digits_tell_the_unit_of_the_time_of_receipt",
        ),
    ),
    Bite(
        fault="F90",
        guard="one server for one file, whatever it is called",
        file="store/sole_use.py",
        line="            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _exclusive())\n",
        instead="            pass\n",
        tests=(
            SQLITE + "test_a_second_server_is_refused_under_whatever_name",
            SQLITE + "test_the_server_that_uses_a_hard_link_is_named_with_its_name",
        ),
    ),
    Bite(
        fault="F90",
        guard="what was committed under another name is not left behind",
        file="store/sole_use.py",
        line="        if other.name != path.name and _is_same(other, own)",
        instead="        if other.name == path.name and _is_same(other, own)",
        tests=(SQLITE + "test_a_log_beside_another_name_is_not_left_behind",),
    ),
    Bite(
        fault="F91",
        guard="a slice lost while the engine waited for the store is lost to storage",
        file="engine/work/presence.py",
        line="        if self._waits.is_to_blame(moment):\n",
        instead="        if False:\n",
        tests=(ENGINE + "test_a_store_that_is_locked_for_long_loses_slices_to_storage_and_says_so",),
    ),
    Bite(
        fault="F92",
        guard="the server's time never goes back",
        file="clock.py",
        line="        self._last = wall if follows else Nanos(max(shown, self._last))\n",
        instead="        self._last = wall\n",
        tests=(
            CLOCK + "test_it_never_goes_back_and_is_never_behind",
            ENGINE + "test_a_wall_clock_set_back_stops_no_order",
        ),
    ),
    Bite(
        fault="F92",
        guard="a wall clock that stays set back is returned to",
        file="clock.py",
        line="        shown = self._shown + passed - min(",
        instead="        shown = self._shown + passed - 0 * min(",
        tests=(
            CLOCK + "test_still_set_back_it_returns_at_half_the_pace",
            ENGINE + "test_a_wall_clock_that_stays_set_back_is_returned_to_without_a_slice_twice",
        ),
    ),
    Bite(
        fault="F92",
        guard="all of a server counts by one steady clock",
        file="bootstrap/compose.py",
        line="    world, clock = outside or Outside(), SteadyClock(clock)\n",
        instead=(
            "    world, steady = outside or Outside(), SteadyClock(clock)\n"
            "    steady.now, clock = clock.now, steady\n"
        ),
        tests=(CLOCK + "test_all_of_a_server_counts_by_it_and_ready_tells_of_a_step",),
    ),
    Bite(
        fault="F20",
        guard="what was taken is counted in the exchange's lots, not in the order's",
        file="engine/work/slice_decision.py",
        line="                lot=destination.lot_size,\n",
        instead="                lot=lot,\n",
        tests=("server/engine/work/test_slice_decision.py::" + _COARSE,),
    ),
)
