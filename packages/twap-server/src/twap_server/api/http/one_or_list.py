"""Accept a body that is one order or a list of orders; errors name the field of the shape that was sent."""

from typing import Any

ONE, LIST = "one order", "list of orders"
"""Tags of the two shapes; they stand in a validation error's location and are no field of the caller's."""


def how_many(body: Any) -> str:
    """The tag of a body, before anything in it was checked."""
    return LIST if isinstance(body, list) else ONE
