"""The guards of F167 and F170 to F174: what a connection, an answer or a moment was made of goes with it."""

from bites.case import Bite

LEFTOVERS = "server/api/http/test_leftovers.py::test_what_a_connection_was_made_of_is_gone_with_it"

SIEGE_BITES = (
    Bite(
        fault="F167",
        guard="an ended stream's parser does not hold it",
        file="api/stream/framing.py",
        line="        self.conn.parser.close()\n",
        instead="",
        tests=(LEFTOVERS,),
    ),
    Bite(
        fault="F167",
        guard="an ended stream's scope does not hold it",
        file="api/stream/framing.py",
        line="            extensions.clear()  # they hold us, and we hold them\n",
        instead="            pass\n",
        tests=(LEFTOVERS,),
    ),
    Bite(
        fault="F167",
        guard="what ended a session does not hold its frames",
        file="api/routers/stream_session.py",
        line="            _let_go(ended)\n",
        instead="",
        tests=(LEFTOVERS,),
    ),
    Bite(
        fault="F167",
        guard="a connection that became a stream has no HTTP parser any more",
        file="api/http/httptools.py",
        line="            self.parser = None  # type: ignore[assignment]\n",
        instead="",
        tests=(LEFTOVERS,),
    ),
    Bite(
        fault="F167",
        guard="a connection that has gone is not held by what would end it",
        file="api/http/connection_gate.py",
        line="        self._holder.give_way = nobody\n",
        instead="",
        tests=(LEFTOVERS,),
    ),
    Bite(
        fault="F167",
        guard="a stream that has gone is not held by what would end it",
        file="api/http/stream_slots.py",
        line="        self.holder.give_way = nobody\n",
        instead="",
        tests=(LEFTOVERS,),
    ),
    Bite(
        fault="F170",
        guard="what became free is given back",
        file="runtime/memory.py",
        line="            self._give_back()\n",
        instead="",
        tests=("server/runtime/test_memory.py::test_it_is_given_back_when_much_became_free",),
    ),
    Bite(
        fault="F171",
        guard="a long order is read some rows at a time",
        file="store/pages.py",
        line="        size = _AT_ONCE if self.left is None else",
        instead="        size = 1_000_000 if self.left is None else",
        tests=("server/store/test_pages.py::test_parts_are_together_the_page",),
    ),
    Bite(
        fault="F172",
        guard="candles that are too old are forgotten",
        file="collector/short_cache.py",
        line="        self._forget_old()\n",
        instead="",
        tests=("server/collector/test_fair_budget.py::test_what_may_not_be_given_again_is_not_kept",),
    ),
    Bite(
        fault="F173",
        guard="a used token is kept until it expires",
        file="store/sign_ins.py",
        line="            .where(or_(families.c.revoked.is_(True), tokens.c.expires <= expired_by))\n",
        instead="            .where(or_(tokens.c.used.is_not(None), tokens.c.expires <= expired_by))\n",
        tests=(
            "server/store/test_ended_sign_ins.py::test_a_theft_is_known_until_the_token_would_have_expired",
        ),
    ),
    Bite(
        fault="F174",
        guard="those who wait to be connected are taken many at a time",
        file="api/server.py",
        line="            await self._accept_waiting()\n",
        instead="            pass\n",
        tests=("server/api/test_accepting.py::test_those_who_wait_are_taken_many_at_a_time",),
    ),
)
