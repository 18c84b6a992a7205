"""domain/errors.py: a failure reaches another process as it is."""

import importlib
import pickle
import pkgutil
from collections.abc import Iterator
from inspect import Parameter, signature
from typing import Any

import pytest

import twap_server
from twap_server.domain.errors import CurveUnavailable, InvalidRequest, TwapError, first_in


def kinds() -> list[type[TwapError]]:
    """Every class of failure of the server, wherever it stands."""
    for one in pkgutil.walk_packages(twap_server.__path__, "twap_server."):
        if "migrations" not in one.name and not one.name.endswith("__main__") and "asgi" not in one.name:
            try:
                importlib.import_module(one.name)
            except ImportError:  # of an extra that is not installed
                continue
    return sorted(set(_below(TwapError)), key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")


def _below(kind: type[TwapError]) -> Iterator[type[TwapError]]:
    yield kind
    for one in kind.__subclasses__():
        yield from _below(one)


def made(kind: type[TwapError]) -> TwapError:
    """One of them, with something for everything that it needs."""
    wanted = [one for one in signature(kind.__init__).parameters.values() if one.name != "self"]
    needed = [one for one in wanted if one.default is Parameter.empty]
    plain = [_value(one) for one in needed if one.kind is Parameter.POSITIONAL_OR_KEYWORD]
    named = {one.name: _value(one) for one in needed if one.kind is Parameter.KEYWORD_ONLY}
    return kind(*plain, **named)


def _value(one: Parameter) -> Any:
    return {"retry_after": 7, "until": 1_700_000_000_000_000_000, "why": TwapError("why")}.get(
        one.name, "text"
    )


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__qualname__)
def test_every_failure_reaches_another_process(kind: type[TwapError]) -> None:
    error = made(kind)
    found = pickle.loads(pickle.dumps(error))
    assert (type(found), found.args, vars(found)) == (kind, error.args, vars(error))
    assert str(found) == str(error)


def test_several_at_once_reach_it_too() -> None:
    group = ExceptionGroup("two", [ValueError("a"), ExceptionGroup("b", [CurveUnavailable("c", field="d")])])
    found = first_in(pickle.loads(pickle.dumps(group)), TwapError)
    assert isinstance(found, CurveUnavailable)
    assert (str(found), found.field) == ("c", "d")
    assert first_in(ExceptionGroup("none", [ValueError("a")]), TwapError) is None
    assert first_in(ExceptionGroup("one", [InvalidRequest("a", field="b")]), TwapError) is not None
