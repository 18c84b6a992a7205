"""The guards of F188 and F189: what a recording lost, and what an order says that it was proven by."""

from bites.case import Bite

LOSSES = "server/replay/test_losses.py::"
WRITER = "server/recordings/test_losses.py::"
FORGED = "server/proof/test_forged.py::"

RECORDING_BITES = (
    Bite(
        fault="F188",
        guard="a recording says what it lost before it goes on",
        file="recordings/writer.py",
        line="            self._tell_dropped(at)\n            self.keep(burst)\n",
        instead="            self._room = self._most\n            self._dropped.clear()\n"
        "            self.keep(burst)\n",
        tests=(WRITER + "test_before_the_next_message_each_connection_says_what_it_lost",),
    ),
    Bite(
        fault="F188",
        guard="no book is trusted behind messages that are missing",
        file="replay/connections.py",
        line="        return [event for one in known for event in",
        instead="        return [event for one in known if not heard.is_loss for event in",
        tests=(LOSSES + "test_a_book_is_lost_and_not_trusted_by_what_comes_then",),
    ),
    Bite(
        fault="F188",
        guard="an order names the hole that missing messages make, however short",
        file="replay/holes.py",
        line="                self._found.append((exchange, Hole(begin, at)))\n",
        instead="                pass\n",
        tests=(LOSSES + "test_an_order_names_the_hole_and_meets_no_book_after_it",),
    ),
    Bite(
        fault="F189",
        guard="no slice of a proof is left out",
        file="proof/consistency.py",
        line='        yield from _differing("slices", f"slice {one.index + 1}", f"slice {index + 1}")\n',
        instead="",
        tests=(FORGED + "test_a_slice_is_hidden",),
    ),
    Bite(
        fault="F189",
        guard="each fill of a proof is of a slice that is there",
        file="proof/consistency.py",
        line="        if not 0 <= one.slice < count:\n",
        instead="        if one.slice < 0:\n",
        tests=(FORGED + "test_a_fill_of_a_slice_that_is_not_there",),
    ),
    Bite(
        fault="F189",
        guard="figures of a proof are what its slices came to",
        file="proof/ending.py",
        line="        if recorded != recomputed:\n",
        instead='        if recorded != recomputed and field == "status":\n',
        tests=(FORGED + "test_figures_of_the_order",),
    ),
)
