"""Say a validator's words as a person would: what was expected, without the library's grammar."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from re import Match
from typing import Any

SHAPES = frozenset({"name of a profile", "own figures"})
"""Tags of values that have several shapes: in a validation error's location, and no field of the caller's."""
_COUNTED = r"(?:String|Data|Value|List|Tuple|Dictionary|Set) should have at (least|most) (\d+) (\w+)"
_RULES = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Value error, ", ""),
        (rf"{_COUNTED} after validation, not (?:more )?(\d+)", lambda found: _counted(found, found[4])),
        (_COUNTED, lambda found: _counted(found, None)),
        (r"Input should be greater than or equal to (\S+)", r"expected \1 or more"),
        (r"Input should be less than or equal to (\S+)", r"expected \1 or less"),
        (r"Input should be greater than (\S+)", r"expected more than \1"),
        (r"Input should be less than (\S+)", r"expected less than \1"),
        (r"Input should be a valid integer(?:, .*)?", "expected a whole number"),
        (
            r"Unable to parse input string as an integer(?:, .*)?",
            "expected a whole number, shorter than this",
        ),
        (r"Input should be a valid (?:number|decimal)(?:, .*)?", "expected a number"),
        (r"Input should be a valid string(?:, .*)?", "expected text"),
        (r"Input should be a valid boolean(?:, .*)?", "expected true or false"),
        (r"Input should be a valid (?:list|array)", "expected a list"),
        (r"Input should be a valid (?:dictionary|object)(?: or .*)?", "expected an object"),
        (r"Input should be (.*)", r"expected \1"),
        (r"String should match pattern (.*)", r"expected text that fits \1"),
        (r"Field required", "is missing"),
        (r"Extra inputs are not permitted", "there is no such field"),
    )
)


def plain(message: str) -> str:
    """Give what a validator says (pydantic's English) in plain words; other texts stay as they are."""
    for pattern, words in _RULES:
        message = pattern.sub(words, message)
    return message


def in_path(parts: Sequence[str | int]) -> str:
    """Write a path: names behind dots, places in a list in brackets, such as ``[1].quantity``."""
    written = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return "".join(written).removeprefix(".")


def field_of(wrong: Mapping[str, Any], *, apart_from: frozenset[str] = frozenset()) -> str:
    """Give the path to a wrong field; an error of the whole says which field to change.

    Args:
        wrong: one of ``ValidationError.errors()``.
        apart_from: parts of its location that are no field of the caller's.
    """
    path = [part for part in wrong["loc"] if part not in apart_from and part not in SHAPES]
    named = wrong.get("ctx", {}).get("field")
    return in_path([*path, *([named] if named else [])])


def nearest_of(wrong: Mapping[str, Any]) -> Decimal | None:
    """Give the bound that a number lies beyond, where the bound itself would do."""
    context = wrong.get("ctx", {})
    bound = context.get("ge", context.get("le"))
    return Decimal(str(bound)) if isinstance(bound, int | Decimal) else None


def _counted(found: Match[str], got: str | None) -> str:
    unit = "character" if found[0].startswith(("String", "Value")) else found[3].removesuffix("s")
    many = "" if found[2] == "1" else "s"
    return f"expected at {found[1]} {found[2]} {unit}{many}" + (f", got {got}" if got else "")
