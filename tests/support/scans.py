"""Run the tests of a module with and without the compiled short cut of its exchange."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from twap_server.exchanges.scan import Scan, not_scanned, scan_of


def scan_fixture(module: ModuleType) -> Any:
    """Make a fixture for all tests of a module; it gives the scan that is in use."""
    scans: dict[str, Scan] = {"json": not_scanned}
    compiled = scan_of(module.__name__.rpartition(".")[0])
    if compiled is not not_scanned:
        scans["compiled"] = compiled

    @pytest.fixture(scope="module", params=scans, autouse=True)
    def scan(request: pytest.FixtureRequest) -> Iterator[Scan]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "scan", scans[request.param])
            yield scans[request.param]

    return scan
