"""The guards of F167: what a connection was made of goes with it."""

from bites.case import Bite

LEFTOVERS = "server/api/test_leftovers.py::test_what_a_connection_was_made_of_is_gone_with_it"

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
        file="api/http/doors.py",
        line="        self._guest.give_way = nobody\n",
        instead="",
        tests=(LEFTOVERS,),
    ),
    Bite(
        fault="F167",
        guard="a stream that has gone is not held by what would end it",
        file="api/http/places.py",
        line="        self.guest.give_way = nobody\n",
        instead="",
        tests=(LEFTOVERS,),
    ),
)
