"""What the OpenAPI document says of answers: problems by status, with their content type."""

from typing import Any

from twap_models.errors import Problem

_WORDS = {
    400: "The body is not JSON.",
    401: "Not signed in.",
    403: "Signed in with an API key, which is not enough here.",
    404: "No such thing, or not yours.",
    409: "It conflicts with what is recorded.",
    412: "The order was amended since you looked.",
    413: "The body is too large.",
    422: "A value is wrong; `errors` names the fields.",
    428: "`If-Match` is missing.",
    429: "Too many attempts; see `Retry-After`.",
    503: "Not available at the moment; see `Retry-After`.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document these problem answers of a route."""
    return {
        status: {
            "description": _WORDS[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


PROBLEM_SCHEMA: dict[str, Any] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
