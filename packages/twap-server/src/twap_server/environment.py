"""Read environment variables, and tell ours from the client's and from those of Kubernetes.

Pure: in goes the environment as a mapping. ``TWAP_ENGINE__MAX_SLICES=5`` is
``{"engine": {"max_slices": "5"}}``; a value that begins with ``[`` or ``{`` is JSON.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from twap_server.domain.errors import InvalidRequest

PREFIX = "TWAP_"
SEPARATOR = "__"
_OTHERS = frozenset(
    {"CONFIG_FILE", "SERVER_URL", "API_KEY", "USERNAME", "PASSWORD", "CONFIG_DIR", "RECORDINGS", "TEST_NODES"}
    | {"TIMEOUT", "CONNECT_TIMEOUT", "PROFILE", "NEW_PASSWORD"}
)
"""Variables of the client and of the tests: not ours, not wrong."""
_LINK = re.compile(
    r"""TWAP_([A-Z0-9_]+_)?(
        SERVICE_HOST=[0-9a-fA-F.:]+
        | SERVICE_PORT(_[A-Z0-9_]+)?=[0-9]+
        | PORT(_[0-9]+_(TCP|UDP|SCTP))?=(tcp|udp|sctp)://[0-9a-fA-F.:\[\]]+
        | PORT_[0-9]+_(TCP|UDP|SCTP)_(PROTO=(tcp|udp|sctp)|PORT=[0-9]+|ADDR=[0-9a-fA-F.:]+)
    )""",
    re.VERBOSE | re.ASCII,
)
"""What Kubernetes sets in every pod for a service whose name begins with ``twap``."""


def service_links(environment: Mapping[str, str]) -> list[str]:
    """Names of the variables that Kubernetes set for its services, known by name and value."""
    return sorted(name for name, value in environment.items() if _LINK.fullmatch(f"{name}={value}"))


def ours(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that name settings, known or not: a section comes before its parts."""
    others = {*service_links(environment), *(PREFIX + name for name in _OTHERS)}
    return {
        name: environment[name]
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in others
    }


def nested(variables: Mapping[str, str]) -> dict[str, Any]:
    """What our variables say, as settings.

    Raises:
        InvalidRequest: a value that begins as JSON is none; the message names the variable.
    """
    settings: dict[str, Any] = {}
    for name, text in variables.items():
        _put(settings, name.removeprefix(PREFIX).lower().split(SEPARATOR), _read(name, text))
    return settings


def merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with what ``over`` says; sections are merged key by key."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        are_sections = isinstance(before, dict) and isinstance(value, Mapping)
        result[key] = merged(dict(before or {}), value) if are_sections else value
    return result


def _put(settings: dict[str, Any], path: list[str], value: Any) -> None:
    for part in reversed(path[1:]):
        value = {part: value}
    settings.update(merged(settings, {path[0]: value}))


def _read(name: str, text: str) -> Any:
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"{name}: expected JSON ({error})", field=name) from None
