"""Short sieges against a real server process; the whole ones are ``hatch run attack`` and ``soak``."""

from pathlib import Path

import pytest

from siege.attacks import named
from siege.campaign import campaign
from siege.soak import Soak, soak

pytestmark = pytest.mark.long

HARD = ("trailers", "pings", "json-keys")
"""Those that stopped a server once, and need no time of their own."""


async def test_a_server_holds_against_strangers(tmp_path: Path) -> None:
    """What this machine's other work costs is not judged here: memory, the victim's order and holes are."""
    attacks = [named(name) for name in HARD]
    rows = await campaign(tmp_path, attacks, seconds=2, seed=1, say=print)
    assert [row.name for row in rows] == ["calm", *HARD]
    for row in rows:
        assert (row.name, row.tally.holes) == (row.name, [])
        assert (row.name, row.drops) == (row.name, [])
        assert row.after_mib - row.start_mib < 64, row.name
        assert (row.name, row.slices.total()) == (row.name, row.ordered)
        assert set(row.kept) == {"200"}, row.name


async def test_a_soak_measures_a_server_that_lives(tmp_path: Path) -> None:
    found = await soak(
        Soak(folder=tmp_path, minutes=0.25, warm_up=0.1, clients=60, orders=100, seed=2), say=print
    )
    assert (found.died, found.holes) == ("", [])
    assert found.crowd["came"] >= 60
    assert found.samples[-1]["open_orders"] > 50
    assert found.samples[-1]["streams"] > 30
    assert {one.column for one in found.growths} >= {"rss_mib", "tasks", "handles", "threads", "lag_p99_ms"}
    assert (tmp_path / "soak.csv").read_text().count("\n") == len(found.samples) + 1
