"""What a plain installation has to do without: extras are missed only by what needs them."""

import asyncio
import sys

import pytest

from twap_server.cluster.over_nats import nats_messenger
from twap_server.domain.errors import InvalidRequest

EXTRAS = ("asyncpg", "nats", "authlib", "ccxt", "distributed", "isal", "picows", "pyarrow")


async def test_the_server_is_loaded_without_any_extra() -> None:
    missing = f"import sys; sys.modules |= dict.fromkeys({EXTRAS!r})"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{missing}; import twap_server.bootstrap", stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()


def test_a_node_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "twap_server.cluster.nats_messenger", raising=False)
    monkeypatch.setitem(sys.modules, "nats.aio.client", None)
    with pytest.raises(InvalidRequest, match=r"pip install .* './packages/twap-server\[cluster\]'"):
        nats_messenger()
