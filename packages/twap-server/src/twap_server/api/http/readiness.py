"""Answer ``/ready``: 200 with remarks, or 503 with reasons and when to ask again."""

from collections.abc import Sequence

from starlette.responses import Response

from twap_models.base import ResponseModel
from twap_server.api.http.exact_json import reply


class Health(ResponseModel):
    """How the server is; one that is ready may have something to say, of its clock for instance."""

    status: str
    reasons: list[str] = []


def alive() -> Response:
    """Say that the process lives and answers."""
    return reply(Health(status="ok"))


def readiness(reasons: Sequence[str], remarks: Sequence[str]) -> Response:
    """Say whether it is ready: it is where there are no reasons against it."""
    if not reasons:
        return reply(Health(status="ready", reasons=list(remarks)))
    return reply(Health(status="not ready", reasons=list(reasons)), 503, headers={"Retry-After": "5"})
