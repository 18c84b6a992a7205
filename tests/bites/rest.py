"""The guards of F83–F88: lists entry by entry, fair requests, candles, and how late a change is."""

from bites.case import Bite

ENTRIES = "server/exchanges/test_entries.py::"
BUDGET = "server/collector/test_fair_budget.py::"
CANDLES = "server/collector/test_candle_reader.py::"
LAG = "server/books/test_lag.py::"

REST_BITES = (
    Bite(
        fault="F83",
        guard="an entry that cannot be read costs no other",
        file="domain/market/entries.py",
        line="        except WireFormatError:\n            left_out.append(name(place, entry))\n",
        instead="        except WireFormatError:\n            raise\n",
        tests=(ENTRIES + "test_a_bad_entry_is_named_and_costs_no_other",),
    ),
    Bite(
        fault="F83",
        guard="an instrument whose entry cannot be read takes no order",
        file="collector/listing.py",
        line="replace(one, status=UNREADABLE)",
        instead="one",
        tests=(
            "server/collector/test_listing.py::test_what_was_known_and_cannot_be_read_stays_and_takes_no_order",
        ),
    ),
    Bite(
        fault="F84",
        guard="users take half of what an exchange allows",
        file="collector/rate_limit.py",
        line="Purpose.USERS: 2}",
        instead="Purpose.USERS: 4}",
        tests=(BUDGET + "test_snapshots_run_while_more_candles_are_asked_for_than_there_is_room",),
    ),
    Bite(
        fault="F84",
        guard="books that orders need come before whatever else waits",
        file="collector/rate_limit.py",
        line="if not any(self._waiting[:purpose]) and self._fits",
        instead="if self._fits",
        tests=(BUDGET + "test_each_purpose_has_a_share_and_the_urgent_come_first",),
    ),
    Bite(
        fault="F84",
        guard="a call is counted before it is served",
        file="api/routers/dependencies.py",
        line="        await limit_of(services).require(site_of(address_of(request)), _TOO_MANY)\n",
        instead="        _ = address_of(request)\n",
        tests=("server/api/http/test_open_rates.py::test_forty_at_once_pass_no_more_often",),
    ),
    Bite(
        fault="F85",
        guard="a candle is closed only if it was over when it was asked for",
        file="collector/candle_reader.py",
        line="closed=one.close_time < answer.asked_at",
        instead="closed=one.close_time < self._clock.now() + 2 * SECOND",
        tests=(CANDLES + "test_a_candle_kept_from_before_its_end_is_not_called_closed",),
    ),
    Bite(
        fault="F85",
        guard="what cannot be read is not taken for silence",
        file="collector/candle_reader.py",
        line="            silent=not listed.left_out,\n",
        instead="            silent=True,\n",
        tests=(CANDLES + "test_what_cannot_be_read_is_no_silence",),
    ),
    Bite(
        fault="F86",
        guard="a built candle whose begin nobody knows is left out",
        file="domain/market/candles.py",
        line="        if start >= known_from and (",
        instead="        if (",
        tests=(CANDLES + "test_kraken_says_how_far_it_reaches",),
    ),
    Bite(
        fault="F87",
        guard="a snapshot is not taken for a measurement",
        file="books/live.py",
        line="if not self.ts_exchange or self.seq == self._snapshot_seq:",
        instead="if not self.ts_exchange:",
        tests=(
            LAG + "test_what_waited_for_the_snapshot_tells_no_lag",
            LAG + "test_the_time_of_a_snapshot_is_that_of_the_last_change_before_it",
        ),
    ),
    Bite(
        fault="F88",
        guard="throttling told in a body silences the exchange",
        file="collector/rest.py",
        line="                self.hold_off(self._seconds_of(error), str(error))\n",
        instead="",
        tests=(CANDLES + "test_throttling_told_in_a_body_silences_the_exchange",),
    ),
    Bite(
        fault="F88",
        guard="who waited for room asks nothing once the exchange wants silence",
        file="collector/rest.py",
        line="            self._cooldown.check()  # it may have been shut while this one waited\n",
        instead="",
        tests=(BUDGET + "test_who_waited_for_room_asks_nothing_once_the_exchange_wants_silence",),
    ),
)
