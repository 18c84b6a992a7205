"""The guards of F175–F177 and F185–F187: several nodes on one database, and who of them owns what."""

from bites.case import Bite

LEASES = "server/store/test_leases.py::"
SHARED = "server/store/test_shared.py::"
KEEPER = "server/cluster/test_leases.py::"
REACH = "server/cluster/test_reach.py::"

NODES_BITES = (
    Bite(
        fault="F185",
        guard="what a node has is renewed while it waits for more",
        file="cluster/leases.py",
        line="        for lease in await self._ask(taking) or ():\n",
        instead="        self._renewals._under_way += 3\n        taken = await self._ask(taking)\n"
        "        self._renewals._under_way -= 3\n        for lease in taken or ():\n",
        tests=(KEEPER + "test_what_a_node_has_is_renewed_while_it_waits_for_more",),
    ),
    Bite(
        fault="F185",
        guard="few engines read their orders at once",
        file="cluster/engine_role.py",
        line="asyncio.Semaphore(_BEGIN_AT_ONCE)",
        instead="asyncio.Semaphore(64)",
        tests=("server/cluster/test_engine_role.py::test_of_many_partitions_a_few_begin_at_a_time",),
    ),
    Bite(
        fault="F185",
        guard="whoever hears that a node is gone looks at once",
        file="cluster/leases.py",
        line="        life.listen(self._look_again)\n",
        instead="",
        tests=(KEEPER + "test_who_is_killed_is_replaced_within_four_seconds",),
    ),
    Bite(
        fault="F186",
        guard="who reaches nobody gives what it has to those who do",
        file="cluster/leases.py",
        line="        if self._is_better_elsewhere(living):\n",
        instead="        if self._is_better_elsewhere(living) and not living:\n",
        tests=(
            KEEPER + "test_who_reaches_nobody_gives_what_it_has_to_those_who_do",
            REACH + "test_a_collector_that_is_cut_off_from_nats_gives_its_exchange_to_one_that_is_not",
        ),
    ),
    Bite(
        fault="F186",
        guard="nothing moves where NATS is away for all",
        file="cluster/leases.py",
        line="        if living == 1:\n            self._alone_at = now\n",
        instead="",
        tests=(KEEPER + "test_nothing_moves_where_nats_is_away_for_all",),
    ),
    Bite(
        fault="F187",
        guard="a renewal without an answer is tried over another connection",
        file="cluster/renewals.py",
        line="self._try(is_anew)",
        instead="self._try(False)",
        tests=(KEEPER + "test_a_connection_that_answers_no_more_costs_a_node_nothing",),
    ),
    Bite(
        fault="F187",
        guard="a renewal that is answered late is not cut off",
        file="cluster/renewals.py",
        line="            if await self._renew(is_anew):\n",
        instead="            renewal = asyncio.ensure_future(self._renew(is_anew))\n"
        "            await asyncio.wait([renewal], timeout=_PATIENCE_S)\n"
        "            if not renewal.cancel() and renewal.result():\n",
        tests=(KEEPER + "test_renewals_that_are_answered_late_are_answered",),
    ),
    Bite(
        fault="F187",
        guard="a lease that was given back is not renewed by a try that is late",
        file="store/lease_rows.py",
        line=', leases.c.node != "").order_by(',
        instead=").order_by(",
        tests=(LEASES + "test_what_was_given_back_is_renewed_by_no_try_that_is_late",),
    ),
    Bite(
        fault="F175",
        guard="a replaced owner writes nothing",
        file="store/orders.py",
        line="            await leases.guard(connection, self._owner, decided=decided)\n",
        instead="            pass\n",
        tests=(
            LEASES + "test_a_replaced_owner_writes_nothing",
            LEASES + "test_a_commit_that_begins_while_the_lease_is_taken_writes_nothing",
        ),
    ),
    Bite(
        fault="F175",
        guard="a taker waits for a commit under way",
        file="store/leases.py",
        line="        locking = free.with_for_update(skip_locked=True)\n",
        instead="        locking = free\n",
        tests=(LEASES + "test_a_taker_waits_for_a_commit_under_way",),
    ),
    Bite(
        fault="F175",
        guard="an owner that stands still in a commit is cut off",
        file="store/leases.py",
        line="        if owners and await self._end_stuck(owners):\n",
        instead="        if owners and not owners:\n",
        tests=(LEASES + "test_an_owner_that_stands_still_in_a_commit_is_replaced_and_records_nothing",),
    ),
    Bite(
        fault="F175",
        guard="what became of an owner's commit is said when none is under way",
        file="store/leases.py",
        line='    await _lock(connection, owner, "UPDATE")\n',
        instead='    await _lock(connection, owner, "KEY SHARE")\n',
        tests=(LEASES + "test_what_became_of_a_commit_is_said_only_when_none_is_under_way",),
    ),
    Bite(
        fault="F175",
        guard="work stops before its lease can have run out",
        file="cluster/leases.py",
        line="if now >= one.until and one.is_staying]\n",
        instead="if now < 0]\n",
        tests=(KEEPER + "test_without_the_database_work_stops_before_the_lease_runs_out",),
    ),
    Bite(
        fault="F175",
        guard="a lease is renewed until its work has ended",
        file="cluster/leases.py",
        line="asked = [one for one in self._held.values() if not one.has_ended]",
        instead="asked = [one for one in self._held.values() if one.is_staying]",
        tests=(KEEPER + "test_a_lease_is_held_until_its_work_has_ended",),
    ),
    Bite(
        fault="F176",
        guard="a node whose clock is off owns nothing",
        file="cluster/leases.py",
        line="        if not self._life.may_own:\n            self._leave_all()\n            return\n",
        instead="",
        tests=(KEEPER + "test_a_node_whose_clock_is_off_owns_nothing",),
    ),
    Bite(
        fault="F176",
        guard="a gateway whose clock is off serves nobody",
        file="api/http/only_while_fit.py",
        line="        if not why or path_of(scope) in _HOW_IT_IS:\n",
        instead="        if why or not why:\n",
        tests=(
            "server/api/http/test_only_while_fit.py"
            "::test_everything_but_how_it_is_gets_503_while_it_is_unfit",
        ),
    ),
    Bite(
        fault="F176",
        guard="a clock that was set counts for nobody until it is compared",
        file="cluster/sign_of_life.py",
        line="        if self._off is None or abs(apart - self._apart) > MOST_OFF:\n",
        instead="        if self._off is None or not apart:\n",
        tests=(
            "server/cluster/test_sign_of_life.py"
            "::test_a_clock_that_is_set_counts_for_nobody_until_it_is_compared",
        ),
    ),
    Bite(
        fault="F176",
        guard="sign-ins of several nodes go by the database's clock",
        file="store/server_clock.py",
        line='    if not database.node_id or database.dialect != "postgresql":\n',
        instead="    if own or not own:\n",
        tests=(
            "server/store/test_shared_sign_ins.py::test_a_clock_ahead_gives_no_thief_more_time",
            "server/store/test_shared_sign_ins.py"
            "::test_what_has_ended_by_the_databases_clock_is_forgotten_and_nothing_else",
        ),
    ),
    Bite(
        fault="F177",
        guard="nodes and a server alone keep each other out",
        file="store/database_use.py",
        line='        self._kind = "_shared" if together else ""\n',
        instead='        self._kind = "_shared"\n',
        tests=(
            SHARED + "test_nodes_share_a_database_and_no_server_gets_it",
            SHARED + "test_no_node_joins_a_server_that_has_the_database_alone",
        ),
    ),
    Bite(
        fault="F177",
        guard="who was cut off notices who used the database meanwhile",
        file="store/database_use.py",
        line="        if self._number is not None:\n            await self._refuse_successor(connection)\n",
        instead="",
        tests=(SHARED + "test_a_node_notices_that_the_database_was_used_alone_meanwhile",),
    ),
    Bite(
        fault="F177",
        guard="one of several nodes migrates",
        file="store/migrate_once.py",
        line="                if not is_done:\n",
        instead="                if is_done is not None:\n",
        tests=(SHARED + "test_of_nodes_that_start_together_one_migrates_and_the_others_wait",),
    ),
)
