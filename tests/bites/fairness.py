"""The guards of F130–F134: one user's orders against another's, and what load costs."""

from bites.case import Bite

FAIR = "server/engine/test_fairness.py::"
TURNS = "server/engine/work/test_user_turns.py::"
QUEUE = "server/engine/commands/test_queue.py::"
PRESENCE = "server/engine/work/test_presence.py::"

FAIRNESS = (
    Bite(
        fault="F130",
        guard="slices that were past already are recorded piece by piece",
        file="engine/work/step.py",
        line="        if len(step.slices) == LOST_PER_LOOK:\n            return step\n",
        instead="",
        tests=("server/engine/test_engine.py::test_very_many_elapsed_slices_are_settled_piece_by_piece",),
    ),
    Bite(
        fault="F130",
        guard="due orders come by turns of their users",
        file="engine/work/open_orders.py",
        line="        self._turns.set(terms.user_id, terms.order_id, at)\n",
        instead='        self._turns.set("", terms.order_id, at)\n',
        tests=(FAIR + "test_a_users_few_slices_are_in_the_first_round_beside_thousands_due_before",),
    ),
    Bite(
        fault="F130",
        guard="lost slices cost their user turns",
        file="engine/work/user_turns.py",
        line="            lane.served += cost\n",
        instead="            lane.served += 0\n",
        tests=(TURNS + "test_what_was_settled_beyond_one_slice_is_paid_for_with_turns",),
    ),
    Bite(
        fault="F130",
        guard="who had nothing due has saved no turns up",
        file="engine/work/user_turns.py",
        line="lane.head, lane.served = None, max(lane.served, self._served)",
        instead="lane.head, lane.served = None, lane.served",
        tests=(TURNS + "test_who_was_away_has_saved_nothing_up",),
    ),
    Bite(
        fault="F130",
        guard="a round is cut where others wait for it",
        file="engine/work/due_orders.py",
        line="        if backlogs is not None and passed > backlogs * _SHARED_ROUND:\n",
        instead="        if False:\n",
        tests=(FAIR + "test_a_round_is_cut_where_one_users_backlog_keeps_the_others_waiting",),
    ),
    Bite(
        fault="F131",
        guard="a round is cut where commands wait",
        file="engine/work/due_orders.py",
        line="        return passed > _SHARED_ROUND and self._others_wait()\n",
        instead="        return False\n",
        tests=(FAIR + "test_a_round_is_cut_where_commands_wait",),
    ),
    Bite(
        fault="F131",
        guard="commands come by turns of their users",
        file="engine/commands/queue.py",
        line="            if own:\n                self._turns.append(user_id)\n",
        instead="            if own:\n                self._turns.appendleft(user_id)\n",
        tests=(
            QUEUE + "test_each_users_commands_keep_their_order_and_turns_go_round",
            FAIR + "test_one_users_thousand_lists_delay_anothers_submission_by_one_group",
        ),
    ),
    Bite(
        fault="F131",
        guard="long lists are read one between two turns of the loop",
        file="api/routers/direct_route.py",
        line="    async with services.lists.take(user_id):\n",
        instead="    if True:\n",
        tests=(
            "server/api/routers/test_direct_route.py::test_long_lists_are_read_one_at_a_time_by_turns_of_their_users",
        ),
    ),
    Bite(
        fault="F131",
        guard="too many waiting commands of a user are refused to that user",
        file="engine/commands/queue.py",
        line="        if len(self._of.get(user_id, ())) >= self._most_of_user:\n",
        instead="        if False:\n",
        tests=(FAIR + "test_too_many_waiting_commands_of_one_user_are_refused_to_that_user_alone",),
    ),
    Bite(
        fault="F132",
        guard="a window is judged by the time of receipt",
        file="engine/commands/handlers.py",
        line="                    received=received,\n",
        instead="                    received=scene.now,\n",
        tests=(FAIR + "test_a_window_is_judged_by_the_time_of_receipt_and_begins_there",),
    ),
    Bite(
        fault="F132",
        guard="no token_id is used up by a wait of ours",
        file="engine/entry/acceptance.py",
        line="        if order.status.is_open and order.plan.end <= now:\n",
        instead="        if False:\n",
        tests=(FAIR + "test_who_came_in_time_and_was_kept_past_the_end_may_send_the_same_again",),
    ),
    Bite(
        fault="F133",
        guard="a user's slices a second are bounded",
        file="engine/entry/validation.py",
        line="        if has_plan and (too_much := self._too_fast()) is not None:\n",
        instead="        if False and (too_much := self._too_fast()) is not None:\n",
        tests=(FAIR + "test_slices_a_second_are_bounded_by_user_over_lists_groups_and_changes",),
    ),
    Bite(
        fault="F133",
        guard="slices a second of open orders are counted again after a restart",
        file="engine/work/open_orders.py",
        line="        self._pace[terms.user_id] = self.pace(terms.user_id) + slice_rate_of(order.plan)\n",
        instead="        self._pace[terms.user_id] = self.pace(terms.user_id)\n",
        tests=(FAIR + "test_slices_a_second_are_counted_again_after_a_restart",),
    ),
    Bite(
        fault="F134",
        guard="a slice lost to load says so",
        file="engine/work/presence.py",
        line="        return SliceReason.OVERLOADED\n",
        instead="        return SliceReason.ENGINE_DOWN\n",
        tests=(FAIR + "test_slices_lost_to_load_say_overloaded_and_to_a_slow_store_storage",),
    ),
    Bite(
        fault="F134",
        guard="a time that did not pass for the engine is no load",
        file="engine/work/presence.py",
        line="            self._away.append((self._wall, wall))\n",
        instead="            pass\n",
        tests=(
            PRESENCE + "test_a_wall_clock_set_forward_and_a_sleeping_machine_are_an_absence",
            "server/engine/test_engine.py::test_wall_clock_jumps_lose_slices_but_never_repeat_them",
        ),
    ),
    Bite(
        fault="F134",
        guard="a commit as long as its rows take is load",
        file="engine/work/store_waits.py",
        line="end - begin > _USUAL + rows * _USUAL_EACH",
        instead="end - begin > 0",
        tests=(PRESENCE + "test_the_store_is_to_blame_for_what_takes_longer_than_its_rows_do",),
    ),
)
