"""The guards of F114–F120: who may come in, whom a request means, and what nobody reads."""

from bites.case import Bite

DOORS = "server/api/http/test_connection_gate.py::"
UNREAD = "server/api/http/test_stalled.py::"
HOSTS = "server/api/http/test_hosts.py::"
EVERY = "server/api/http/test_every_answer.py::"

DOORS_BITES = (
    Bite(
        fault="F114",
        guard="one address has its own bound on connections",
        file="api/http/connection_slots.py",
        line="        for group, full in ((own, Full.ADDRESS), (self._all, Full.ALL)):\n",
        instead="        for slots, full in ((self._all, Full.ALL),):\n",
        tests=(DOORS + "test_idle_sockets_of_one_host_deny_nobody_else",),
    ),
    Bite(
        fault="F114",
        guard="who waits for its own client gives way",
        file="api/http/connection_slots.py",
        line="            if holder is not None and waiting[holder] <= now - borne:\n",
        instead="            if guest is not None and now < 0:\n",
        tests=(DOORS + "test_the_oldest_idle_connection_gives_way",),
    ),
    Bite(
        fault="F114",
        guard="an address with most gives way to one with less",
        file="api/http/connection_slots.py",
        line="                if leaver is None and full is Full.ALL:\n",
        instead="                if leaver is None and room is None:\n",
        tests=(
            "server/api/http/test_connection_slots.py::test_the_address_with_most_gives_way_to_one_with_less",
            DOORS + "test_idle_sockets_of_many_hosts_give_way",
        ),
    ),
    Bite(
        fault="F114",
        guard="who is being served gives way to nobody",
        file="api/http/connection_gate.py",
        line="            self._slots.work(self._holder)\n",
        instead="            pass\n",
        tests=(DOORS + "test_who_is_being_served_gives_way_to_nobody",),
    ),
    Bite(
        fault="F114",
        guard="no more connections than open files",
        file="bootstrap/serving.py",
        line="bounds=bounds.within(make_room(bounds.most))",
        instead="bounds=(make_room(bounds.most), bounds)[1]",
        tests=("contract/test_few_open_files.py::test_accepting_never_runs_out_of_files",),
    ),
    Bite(
        fault="F115",
        guard="a stream leaves the room of HTTP",
        file="api/http/connection_gate.py",
        line="            self._gate._http.leave(self._holder)\n",
        instead="",
        tests=(DOORS + "test_streams_and_http_have_room_apart",),
    ),
    Bite(
        fault="F115",
        guard="streams before the sign-in have a room of their own",
        file="api/http/stream_slots.py",
        line="        for slots in (self._unsigned, self._all):\n",
        instead="        for slots in (self._all,):\n",
        tests=(DOORS + "test_streams_before_the_sign_in_have_room_apart",),
    ),
    Bite(
        fault="F116",
        guard="behind a proxy requests count by the address it forwards",
        file="api/http/middleware.py",
        line="        if self._of_site[site] >= self._most:\n",
        instead="        if self._most < 0:\n",
        tests=(DOORS + "test_behind_a_proxy_addresses_are_those_it_forwards",),
    ),
    Bite(
        fault="F117",
        guard="what nobody reads is given up",
        file="api/http/stalled.py",
        line="        elif now - since < self._within:\n",
        instead="        elif now - since < 10_000 * self._within:\n",
        tests=(UNREAD + "test_what_nobody_reads_is_given_up",),
    ),
    Bite(
        fault="F117",
        guard="who reads slowly is kept",
        file="api/http/stalled.py",
        line="        elif size < before:\n",
        instead="        elif size > before + 1:\n",
        tests=(UNREAD + "test_who_reads_slowly_gets_it_all",),
    ),
    Bite(
        fault="F118",
        guard="a name of elsewhere is refused on loopback",
        file="api/http/hosts.py",
        line="        if hosts and not self._is_ours(_name_in(hosts[0]), scope):\n",
        instead="        if hosts and hosts[0] == 'nowhere':\n",
        tests=(HOSTS + "test_on_loopback_a_name_of_elsewhere_is_refused",),
    ),
    Bite(
        fault="F118",
        guard="a page of another site does not sign in",
        file="api/http/hosts.py",
        line='    if headers.get("sec-fetch-site") != "cross-site":\n',
        instead='    if headers.get("sec-fetch-site") != "nowhere":\n',
        tests=(HOSTS + "test_pages_of_other_sites_do_not_sign_in",),
    ),
    Bite(
        fault="F119",
        guard="every answer has the security headers",
        file="api/http/security_headers.py",
        line="    return [*headers, *(pair for pair in wanted if pair[0] not in names)]\n",
        instead="    return [*headers, *(pair for pair in wanted if pair[0] in names)]\n",
        tests=(EVERY + "test_every_answer_has_the_security_headers",),
    ),
    Bite(
        fault="F120",
        guard="an order that no address can name is refused",
        file="packages/twap-models/src/twap_models/fields.py",
        line='    if value in (".", ".."):\n',
        instead='    if value in ("...",):\n',
        tests=(EVERY + "test_an_order_that_no_address_can_name_is_refused",),
    ),
)
