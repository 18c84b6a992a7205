"""Compare ways to execute on recorded markets: tournaments, and one hypothetical order.

``tournament`` runs strategies × sizes × sides × starts × recordings × realism profiles and writes a folder
with a page, a table of all runs and their summary; ``what_if`` answers for one order at once. Both replay the
recording through the engine that live orders run on. ``docs/tournaments.md`` shows how.
"""

from twap_server.lab.tournament import HowToRun, tournament
from twap_server.lab.what_if import WhatIf, what_if

__all__ = ["HowToRun", "WhatIf", "tournament", "what_if"]
