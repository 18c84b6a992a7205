"""twap cancel: one, several, the last, all; and what is asked before."""

import pytest

from support.client import Twap
from twap_client.testing import ScriptedServer, order
from twap_client.testing.server import problem
from twap_models import exact_json


@pytest.fixture
def some(server: ScriptedServer) -> ScriptedServer:
    server.orders = {f"o-{number}": order(f"o-{number}", status="Working") for number in range(3)}
    server.orders["old"] = order("old", status="Filled")
    return server


def states(server: ScriptedServer) -> list[str]:
    return [str(item.status) for item in server.orders.values()]


async def test_several_and_one_that_cannot_be(signed_in: Twap, some: ScriptedServer) -> None:
    done = await signed_in("cancel", "o-0", "old", "nope", "o-1", "o-0")
    assert done.code == 1 and done.out.count("Canceled") == 2
    assert "twap: old: " in done.err and "twap: nope: " in done.err
    assert states(some) == ["Canceled", "Canceled", "Working", "Filled"]


async def test_all_asks_for_yes_without_a_terminal(signed_in: Twap, some: ScriptedServer) -> None:
    refused = await signed_in("cancel", "--all")
    assert refused.code == 2 and "`--all --yes`" in refused.err and "Canceled" not in states(some)
    done = await signed_in("cancel", "--all", "--yes", "--json")
    assert done.code == 0 and len(exact_json.loads(done.out)) == 3
    assert states(some) == ["Canceled"] * 3 + ["Filled"]
    none = await signed_in("cancel", "--all", "--yes")
    assert (none.code, none.out, none.err) == (0, "", "no order is open\n")


async def test_the_last_is_the_newest_open_one(signed_in: Twap, some: ScriptedServer) -> None:
    newest = exact_json.loads((await signed_in("orders", "--status", "open", "--json")).out)[0]["token_id"]
    done = await signed_in("cancel", "--last")
    assert done.code == 0 and done.out.startswith(f"{newest}  ") and states(some).count("Canceled") == 1


@pytest.mark.parametrize("args", [[], ["--all", "--last"], ["o-0", "--all"], ["o-0", "--last"]])
async def test_what_is_meant_is_said_once(signed_in: Twap, some: ScriptedServer, args: list[str]) -> None:
    refused = await signed_in("cancel", *args)
    assert refused.code == 2 and "say which orders" in refused.err and "Canceled" not in states(some)


async def test_a_refusal_of_the_caller_ends_it(signed_in: Twap, some: ScriptedServer) -> None:
    refusal = problem(403, "not_permitted", "this API key lacks the scope trade")
    some.script("DELETE", "/orders/o-0", refusal)
    done = await signed_in("cancel", "o-0", "o-1")
    assert done.code == 1 and "Canceled" not in states(some) and done.err.count("\n") == 1
