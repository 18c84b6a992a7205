"""One demo server for the tests of the page, in each worker."""

from collections.abc import Iterator

import pytest

from support.browser import demo_server, why_not


@pytest.fixture(scope="session")
def demo() -> Iterator[str]:
    """The base URL of a demo server."""
    if reason := why_not():
        pytest.skip(reason)
    with demo_server() as url:
        yield url
