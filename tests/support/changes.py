"""Values with some fields changed, of whatever kind they are."""

import dataclasses
from typing import Any, TypeVar

from msgspec import Struct, structs

_T = TypeVar("_T")


def replace(value: _T, **changes: Any) -> _T:
    """A frozen dataclass or msgspec struct with these fields changed."""
    if isinstance(value, Struct):
        return structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)  # type: ignore[type-var]
