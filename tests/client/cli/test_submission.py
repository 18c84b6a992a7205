"""twap submit from being typed to its answer: who is asked, short ids, repeats."""

import re

import pytest

from support.client import SUBMIT, Twap
from twap_client.testing import Reply, ScriptedServer, order
from twap_client.testing.server import problem


async def test_without_a_terminal_it_asks_for_yes_and_sends_nothing(
    signed_in: Twap, server: ScriptedServer
) -> None:
    before = len(server.requests)
    refused = await signed_in(*SUBMIT)
    assert (refused.code, refused.out) == (2, "")
    assert "there is no terminal to ask at: add `--yes`" in refused.err and "`--dry-run`" in refused.err
    assert len(server.requests) == before and server.orders == {}


async def test_an_id_that_is_made_up_is_short_and_new(signed_in: Twap, server: ScriptedServer) -> None:
    for _ in range(3):
        assert (await signed_in(*SUBMIT, "--yes")).code == 0
    assert len(server.orders) == 3
    assert all(re.fullmatch("[2-9a-hjkmnp-z]{8}", token) for token in server.orders)


async def test_a_repeat_is_called_a_repeat(signed_in: Twap, server: ScriptedServer) -> None:
    command = [*SUBMIT, "--yes", "--token-id", "o-1"]
    assert "repeat" not in (await signed_in(*command)).err
    again = await signed_in(*command)
    assert again.code == 0
    assert "a repeat: o-1 was submitted before, and nothing was submitted anew" in again.err


@pytest.mark.parametrize("named", [True, False])
async def test_only_who_gave_an_id_hears_that_it_is_used_up(
    signed_in: Twap, server: ScriptedServer, named: bool
) -> None:
    why = "quantity 0 must be above 0"
    told = f"{why}; this token_id is used up: send the corrected order under a new one"
    rejected = order("o-1", status="Rejected", reason="invalid_quantity", detail=told)
    server.script("POST", "/orders/twap", Reply(status=400, body=[rejected.to_wire()]))
    made = await signed_in(*SUBMIT, "--yes", *(["--token-id", "o-1"] if named else []))
    assert made.code == 5 and f"rejected: {told if named else why}\n" in made.err


async def test_what_is_known_of_an_id_is_no_condition(signed_in: Twap, server: ScriptedServer) -> None:
    server.script("GET", "/orders/o-1", problem(403, "not_permitted", "this API key lacks the scope read"))
    made = await signed_in(*SUBMIT, "--yes", "--token-id", "o-1")
    assert made.code == 0 and "o-1" in server.orders
