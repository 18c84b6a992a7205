"""Define the base of every wire model: requests forbid unknown fields, answers ignore them; both frozen."""

import json
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from twap_models import exact_json


def _write_defaults_as_numbers(schema: dict[str, Any]) -> None:
    """Pydantic writes the default of a decimal as text, which no reader of a number takes."""
    for field in schema.get("properties", {}).values():
        if field.get("type") == "number" and isinstance(field.get("default"), str):
            field["default"] = json.loads(field["default"])


class WireModel(BaseModel):
    """What both have in common: exact JSON in and out."""

    model_config = ConfigDict(
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=False,
        json_schema_extra=_write_defaults_as_numbers,
    )

    bounds: ClassVar[exact_json.JsonBounds] = exact_json.SENT
    """How long the numbers of its JSON may be."""

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Read one object; numbers are read exactly.

        Raises:
            ValueError: not JSON; ``pydantic.ValidationError`` (a ValueError) where a field is wrong.
        """
        return cls.model_validate(exact_json.loads(data, cls.bounds))

    def to_wire(self) -> dict[str, Any]:
        """Give plain values ready for ``exact_json.dumps``."""
        return self.model_dump()

    def to_json(self) -> bytes:
        """Write the model as JSON; decimals are numbers, digit for digit."""
        return exact_json.dumps(self.to_wire())


class RequestModel(WireModel):
    """Something a caller sends: an unknown field is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid")


class ResponseModel(WireModel):
    """Something the server says: an older client ignores what it does not know."""

    model_config = ConfigDict(extra="ignore")
    bounds: ClassVar[exact_json.JsonBounds] = exact_json.TOLD
