"""A real NATS server, one for all tests of a worker; those that break it start one of their own."""

from collections.abc import Iterator

import pytest

from support.nats import NatsServer, why_not


@pytest.fixture(scope="session")
def nats() -> Iterator[NatsServer]:
    if reason := why_not():
        pytest.skip(reason)
    with NatsServer() as server:
        yield server


@pytest.fixture
def own_nats() -> Iterator[NatsServer]:
    """For tests that stop or kill it."""
    if reason := why_not():
        pytest.skip(reason)
    with NatsServer() as server:
        yield server
