"""The guards of the P0 cases F18–F37 and of F68: what stands between a fault and a wrong fill, and who notices its loss.

Faults are those of ``docs/reliability.md``. A guard that moves must move here too: a test checks that each
line is still there, once.
"""

from bites.case import Bite
from bites.client import CLIENT_BITES
from bites.doors import DOORS_BITES
from bites.fairness import FAIRNESS
from bites.feed import FEED
from bites.inputs import INPUT_BITES
from bites.keys import KEYS_BITES
from bites.members import MEMBERS_BITES
from bites.money import MONEY_BITES
from bites.nodes import NODES_BITES
from bites.pairs import PAIRS_BITES
from bites.parts import PARTS_BITES
from bites.recordings import RECORDING_BITES
from bites.refusals import REFUSALS
from bites.replicas import REPLICA_BITES
from bites.rest import REST_BITES
from bites.sharing import SHARING_BITES
from bites.siege import SIEGE_BITES
from bites.strategies import STRATEGY_BITES
from bites.upkeep import UPKEEP_BITES

ENGINE = "server/engine/test_engine.py::"
GROUPS = "server/engine/commands/test_batches.py::"
CHANGES = "server/engine/commands/test_handlers.py::"
DECISION = "server/engine/work/test_slice_decision.py::"
SCHEDULE = "server/domain/orders/test_schedule.py::"
MATCHING = "server/domain/execution/test_matching.py::"
STORE = "server/store/"

_SLICING = (
    Bite(
        fault="F18",
        guard="the last slice's target is the whole quantity",
        file="domain/orders/schedule.py",
        line="        if index >= self.count - 1:\n            return self.quantity\n",
        instead="",
        tests=(SCHEDULE + "test_a_last_slice_cut_too_short_joins_the_one_before",),
    ),
    Bite(
        fault="F18",
        guard="slices below the minimum are merged",
        file="domain/orders/schedule.py",
        line="    if lots * interval // length < smallest:\n",
        instead="    if lots < 0:\n",
        tests=(SCHEDULE + "test_merged_slices_are_never_below_the_smallest",),
    ),
    Bite(
        fault="F18",
        guard="a last slice cut too short joins the one before",
        file="domain/orders/schedule.py",
        line="return interval, count - 1 if count > 1 and last < smallest else count",
        instead="return interval, count",
        tests=(SCHEDULE + "test_a_last_slice_cut_too_short_joins_the_one_before",),
    ),
    Bite(
        fault="F18",
        guard="what a slice may still take lies on the lot grid",
        file="engine/work/slice_decision.py",
        line="return exact.floor_to(left, lot) if left > ZERO else ZERO",
        instead="return left if left > ZERO else ZERO",
        tests=(DECISION + "test_a_displayed_part_of_a_lot_is_not_taken",),
    ),
)

_PRICES = (
    Bite(
        fault="F19",
        guard="no fill beyond the limit",
        file="domain/execution/matching.py",
        line="        if limit is not None and not within(self.side, price, limit):\n            return SliceReason.LIMIT_NOT_MET\n",
        instead="",
        tests=(
            MATCHING + "test_fills_obey_limit_and_display",
            ENGINE + "test_the_default_limit_is_none_and_a_limit_is_never_passed",
        ),
    ),
    Bite(
        fault="F19",
        guard="a limit is rounded to the safe side",
        file="domain/orders/trading_rules.py",
        line="        if side is Side.BUY:\n            return max(",
        instead="        if side is Side.SELL:\n            return max(",
        tests=(
            "server/domain/orders/test_trading_rules.py::test_a_quantity_goes_down_and_a_limit_to_the_safe_side",
        ),
    ),
    Bite(
        fault="F19",
        guard="a limit has no more digits than its exchange allows",
        file="domain/market/price_grid.py",
        line="        return max(self.tick_size, min(by_digits, _ONE) if self.whole else by_digits)\n",
        instead="        return self.tick_size\n",
        tests=(
            "server/domain/market/test_price_grid.py::test_never_the_other_way_and_always_a_price",
            "server/domain/orders/test_trading_rules.py::test_a_limit_is_the_nearest_price_of_any_market",
        ),
    ),
    Bite(
        fault="F20",
        guard="what was taken is remembered",
        file="engine/work/slice_decision.py",
        line="        if terms.fidelity is Fidelity.DEPTH and terms.realism.impact is ImpactModel.LEVEL:\n",
        instead="        if terms.fidelity is Fidelity.L1 and terms.realism.impact is ImpactModel.LEVEL:\n",
        tests=(
            ENGINE + "test_two_orders_of_one_user_in_one_instant_share_the_level",
            ENGINE + "test_own_impact_is_remembered_until_the_level_is_removed_and_others_are_not_affected",
        ),
    ),
    Bite(
        fault="F20",
        guard="what was taken is not there a second time",
        file="engine/work/slice_decision.py",
        line="left = exact.subtract(offer.quantity, taken)",
        instead="left = offer.quantity",
        tests=(ENGINE + "test_two_orders_of_one_user_in_one_instant_share_the_level",),
    ),
    Bite(
        fault="F20",
        guard="the memory ends when the exchange removes the level",
        file="domain/execution/impact.py",
        line="        if level_epoch != entry.level_epoch:\n            del self._entries[key]\n            return ZERO\n",
        instead="",
        tests=(
            ENGINE + "test_own_impact_is_remembered_until_the_level_is_removed_and_others_are_not_affected",
        ),
    ),
)

_BOOKS = (
    Bite(
        fault="F21",
        guard="a resyncing book is not filled from",
        file="engine/market/eligibility.py",
        line="            return SliceReason.RESYNCING\n",
        instead="            return None\n",
        tests=(ENGINE + "test_a_book_that_is_not_live_is_waited_for_then_the_slice_is_missed",),
    ),
    Bite(
        fault="F21",
        guard="a stale book is not filled from",
        file="engine/market/eligibility.py",
        line="        case BookStatus.STALE | BookStatus.DOWN:\n            return SliceReason.STALE_BOOK\n",
        instead="        case BookStatus.STALE | BookStatus.DOWN:\n            return None\n",
        tests=(ENGINE + "test_a_book_that_is_not_live_is_waited_for_then_the_slice_is_missed",),
    ),
    Bite(
        fault="F21",
        guard="a book that nothing confirmed for long is not filled from",
        file="engine/market/eligibility.py",
        line="    if now - live.confirmed_at > max_age:\n        return SliceReason.STALE_BOOK\n",
        instead="",
        tests=(ENGINE + "test_no_book_crossed_and_old_books_are_never_filled_from",),
    ),
    Bite(
        fault="F21",
        guard="a crossed book is not filled from",
        file="engine/market/eligibility.py",
        line="return SliceReason.CROSSED_BOOK if live.book.crossed() else None",
        instead="return None",
        tests=(ENGINE + "test_no_book_crossed_and_old_books_are_never_filled_from",),
    ),
    Bite(
        fault="F21",
        guard="a slice waits for its book inside its own window",
        file="engine/work/slice_decision.py",
        line="return seen.missed(quotes.closed) if final else None",
        instead="return seen.missed(quotes.closed)",
        tests=(ENGINE + "test_a_book_that_is_not_live_is_waited_for_then_the_slice_is_missed",),
    ),
    Bite(
        fault="F21",
        guard="what is missed is caught up, three equal slices at most",
        file="engine/work/slice_decision.py",
        line="wanted = remaining if takes_rest else min(behind, schedule.most_of(index), remaining)",
        instead="wanted = remaining if takes_rest else min(behind, remaining)",
        tests=(ENGINE + "test_catch_up_wants_at_most_three_equal_slices_and_the_last_may_take_all",),
    ),
)

_CRASHES = (
    Bite(
        fault="F22",
        guard="recorded before told",
        file="engine/work/journal.py",
        line="            await self._record(numbered)\n",
        instead="            self._tell(numbered)\n            await self._record(numbered)\n",
        tests=(ENGINE + "test_an_order_fills_slice_by_slice_on_time",),
    ),
    Bite(
        fault="F22",
        guard="a slice has one outcome: its key is unique",
        file="store/tables.py",
        line='    Column("slice_index", Integer, primary_key=True),\n',
        instead='    Column("slice_index", Integer),\n',
        tests=(STORE + "test_database.py::test_migrations_make_exactly_the_tables",),
    ),
    Bite(
        fault="F22",
        guard="an order changes only from the version it was decided on",
        file="store/queries.py",
        line='            orders.c.version == bindparam("of_version"),\n',
        instead="",
        tests=(
            STORE + "test_concurrent.py::test_an_order_changes_once_from_each_version",
            STORE + "test_orders.py::test_a_change_over_another_version_is_refused",
        ),
    ),
    Bite(
        fault="F22",
        guard="a fill's id comes from order, slice and level",
        file="engine/work/slice_decision.py",
        line='f"{seen.order.terms.order_id}-{seen.index}-{number}"',
        instead='f"{seen.order.terms.order_id}-{number}"',
        tests=(ENGINE + "test_an_order_fills_slice_by_slice_on_time",),
    ),
    Bite(
        fault="F23",
        guard="slices whose window has passed are missed, not filled",
        file="engine/work/step.py",
        line=(
            "    while index < schedule.count and (\n"
            "        at_end or schedule.window_end(index) <= now or had_elapsed(order, index)\n"
            "    ):\n"
        ),
        instead="    while index < 0:\n",
        tests=(ENGINE + "test_down_across_slices_then_one_slice_and_no_backlog",),
    ),
    Bite(
        fault="F23",
        guard="nothing fills after the end",
        file="engine/work/step.py",
        line="    at_end = now >= order.plan.end\n",
        instead="    at_end = now >= order.plan.end + 3600 * 10**9\n",
        tests=(ENGINE + "test_down_past_the_end_expires_without_a_fill_after_the_end",),
    ),
    Bite(
        fault="F24",
        guard="open orders are taken up at the start",
        file="engine/engine.py",
        line="            self._open_orders.adopt(order)\n",
        instead="            pass\n",
        tests=(ENGINE + "test_down_across_slices_then_one_slice_and_no_backlog",),
    ),
    Bite(
        fault="F24",
        guard="orders past their end have ended before the server says ready",
        file="engine/engine.py",
        line="        await self._due_orders.end_elapsed()\n",
        instead="",
        tests=(ENGINE + "test_ready_means_that_nothing_is_open_past_its_end",),
    ),
    Bite(
        fault="F25",
        guard="each slice is decided once, whatever the wall clock does",
        file="domain/orders/order.py",
        line="                next_slice=result.index + 1,\n",
        instead="                next_slice=result.index,\n",
        tests=(ENGINE + "test_wall_clock_jumps_lose_slices_but_never_repeat_them",),
    ),
    Bite(
        fault="F26",
        guard="a time without an offset is UTC",
        file="packages/twap-models/src/twap_models/fields.py",
        line="return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)",
        instead="return value.replace(tzinfo=UTC)",
        tests=("models/test_exact_numbers.py::test_times_without_offset_are_utc_and_offsets_are_kept_true",),
    ),
    Bite(
        fault="F27",
        guard="terminal is final",
        file="domain/orders/order.py",
        line="        if not self.status.is_open:\n            raise ValueError(",
        instead="        if self.status is None:\n            raise ValueError(",
        tests=("server/domain/orders/test_order.py::test_an_order_that_has_ended_does_not_change",),
    ),
    Bite(
        fault="F27",
        guard="a cancel of an order that has ended is refused",
        file="engine/commands/handlers.py",
        line="        if working is None:\n            raise _not_open(context.recorded.get((user_id, token_id)), token_id)\n        return working\n",
        instead="        assert working is not None\n        return working\n",
        tests=(ENGINE + "test_cancel_wins_or_loses_once",),
    ),
)

_STORAGE = (
    Bite(
        fault="F30",
        guard="what is acknowledged is synced to the disk",
        file="store/sqlite.py",
        line='"synchronous=FULL",',
        instead='"synchronous=NORMAL",',
        tests=(STORE + "test_power_loss.py::test_power_loss_right_after_an_acknowledgement",),
    ),
    Bite(
        fault="F31",
        guard="a slice lost to storage says so",
        file="engine/work/commit.py",
        line="            working.storage_failed = True\n",
        instead="",
        tests=(ENGINE + "test_a_failing_store_fills_nothing_and_recovers_by_itself",),
    ),
    Bite(
        fault="F31",
        guard="what could not be recorded did not happen",
        file="engine/work/commit.py",
        line="            self._after_failure(pending, error)\n        else:\n            self._impact",
        instead="            self._after_failure(pending, error)\n        if True:\n            self._impact",
        tests=(ENGINE + "test_a_failing_store_fills_nothing_and_recovers_by_itself",),
    ),
    Bite(
        fault="F31",
        guard="size that was recorded stays taken when another order's is not",
        file="engine/work/commit.py",
        line="            self._impact.settle()\n            for",
        instead="            for",
        tests=(ENGINE + "test_what_was_recorded_stays_taken_when_another_order_is_not",),
    ),
    Bite(
        fault="F31",
        guard="size that could not be recorded is there again",
        file="domain/execution/fading.py",
        line="        self._put_back(self._unsettled)\n",
        instead="        pass\n",
        tests=("server/domain/execution/test_impact.py::test_what_could_not_be_recorded_was_not_taken",),
    ),
    Bite(
        fault="F33",
        guard="a commit in doubt is looked up before anything else is recorded",
        file="engine/work/journal.py",
        line="        except CommitInDoubt:\n            self._doubtful = writes\n            raise\n",
        instead="        except CommitInDoubt:\n            raise\n",
        tests=(
            ENGINE + "test_a_slice_in_doubt_is_looked_up",
            ENGINE + "test_a_new_order_in_doubt_is_looked_up",
        ),
    ),
    Bite(
        fault="F34",
        guard="the number of orders changed is compared with the number meant",
        file="store/driver.py",
        line="    if statement.is_guarded and done.rowcount != len(statement.rows):\n",
        instead="    if statement.is_guarded and done.rowcount > len(statement.rows):\n",
        tests=(STORE + "test_concurrent.py::test_an_order_changes_once_from_each_version",),
    ),
)

_SUBMISSION = (
    Bite(
        fault="F36",
        guard="the same body under the same token_id is the same order",
        file="engine/entry/acceptance.py",
        line="        if known is not None:\n            return self._recognise(user_id, request, known, now)\n",
        instead="",
        tests=(ENGINE + "test_same_token_id_fifty_times_at_once_is_one_order",),
    ),
    Bite(
        fault="F36",
        guard="another body under the same token_id is refused",
        file="engine/entry/acceptance.py",
        line="        if known.terms.fingerprint == request.fingerprint:\n",
        instead="        if known is not None:\n",
        tests=(ENGINE + "test_same_token_id_fifty_times_at_once_is_one_order",),
    ),
    Bite(
        fault="F36",
        guard="a token_id is unique per user in the store",
        file="store/migrations/versions/0001_first_tables.py",
        line='sa.UniqueConstraint("user_id", "token_id", name="uq_orders_user_id_token_id"),',
        instead="",
        tests=(STORE + "test_concurrent.py::test_a_token_id_names_one_order",),
    ),
    Bite(
        fault="F37",
        guard="a list is recorded in one transaction",
        file="store/orders.py",
        line="            await self._record(writes, samples)\n",
        instead="            for one in writes:\n                await self._record([one], samples)\n",
        tests=(STORE + "test_orders.py::test_one_conflict_records_nothing",),
    ),
    Bite(
        fault="F36",
        guard="no group of commands names an order twice",
        file="engine/commands/queue.py",
        line=" or not named.isdisjoint(keys)",
        instead="",
        tests=(GROUPS + "test_a_group_names_no_order_twice_and_is_bounded",),
    ),
    Bite(
        fault="F37",
        guard="a command whose data break the commit fails alone",
        file="engine/commands/batches.py",
        line="            await self._record_apart(decided, error)\n",
        instead="            for command, _ in decided:\n                command.refuse(error)\n",
        tests=(GROUPS + "test_a_command_whose_data_break_the_commit_fails_alone",),
    ),
    Bite(
        fault="F37",
        guard="what a command comes to is answered after the commit",
        file="engine/commands/batches.py",
        line="    if not made.writes:\n        command.fulfil",
        instead="    if True:\n        command.fulfil",
        tests=(GROUPS + "test_nobody_is_answered_before_the_commit",),
    ),
)

_SERVICE = (
    Bite(
        fault="F68",
        guard="a loop that stands still is told",
        file="runtime/watchdog.py",
        line="            if still >= self._stall and beat != self._told_beat:\n",
        instead="            if still < 0:\n",
        tests=("server/runtime/test_watchdog.py::test_a_loop_that_stands_still_is_told_with_its_stack",),
    ),
)

BITES = (
    *_SLICING,
    *_PRICES,
    *_BOOKS,
    *_CRASHES,
    *_STORAGE,
    *_SUBMISSION,
    *_SERVICE,
    *FEED,
    *CLIENT_BITES,
    *REFUSALS,
    *MONEY_BITES,
    *STRATEGY_BITES,
    *PAIRS_BITES,
    *REST_BITES,
    *INPUT_BITES,
    *SHARING_BITES,
    *KEYS_BITES,
    *MEMBERS_BITES,
    *DOORS_BITES,
    *UPKEEP_BITES,
    *SIEGE_BITES,
    *FAIRNESS,
    *NODES_BITES,
    *REPLICA_BITES,
    *PARTS_BITES,
    *RECORDING_BITES,
)
