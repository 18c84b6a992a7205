"""twap report as files: a file named - is standard output, which then holds it alone."""

import pytest

from support.client import Twap
from twap_client.testing import ScriptedServer, order


@pytest.mark.parametrize(("option", "begins"), [("--csv", "section,name,"), ("--fills", ""), ("--html", "<")])
async def test_a_dash_is_standard_output(
    signed_in: Twap, server: ScriptedServer, option: str, begins: str
) -> None:
    server.orders["o-1"] = order("o-1", status="Filled")
    done = await signed_in("report", "o-1", option, "-")
    assert (done.code, done.err) == (0, ""), done
    assert done.out.startswith(begins) and "arrival mid" not in done.out


@pytest.mark.parametrize("options", [["--csv", "-", "--fills", "-"], ["--csv", "-", "--json"]])
async def test_two_things_do_not_fit_into_one_stream(
    signed_in: Twap, server: ScriptedServer, options: list[str]
) -> None:
    server.orders["o-1"] = order("o-1", status="Filled")
    refused = await signed_in("report", "o-1", *options)
    assert (refused.code, refused.out) == (2, "") and "`-` once, and without --json" in refused.err
