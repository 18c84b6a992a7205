"""Define problem documents (RFC 9457) as this server writes them."""

from pydantic import Field

from twap_models.base import ResponseModel
from twap_models.enums import ErrorCode
from twap_models.fields import Told


class FieldError(ResponseModel):
    """One wrong field."""

    field: str
    message: str
    nearest: Told | None = Field(
        default=None,
        description="The nearest value that would do, an interval in seconds; null: none, or not known.",
    )


class Problem(ResponseModel):
    """Why a request failed."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: ErrorCode | str = Field(description="From a closed, documented list.")
    request_id: str = ""
    errors: list[FieldError] = []
