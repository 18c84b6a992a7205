"""Models and problem documents as answers of the scripted server."""

from collections.abc import Sequence

from twap_client.testing.sockets import Reply
from twap_models import TwapOrder, TwapOrderDetail
from twap_models.base import WireModel


def given(model: WireModel) -> Reply:
    """Answer one model."""
    return Reply(body=model.to_wire())


def listed(models: Sequence[WireModel], status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Answer a list of models."""
    return Reply(status=status, body=[item.to_wire() for item in models], headers=headers or {})


def problem(status: int, code: str, detail: str, **headers: str) -> Reply:
    """Answer a problem document; ``retry_after="1"`` becomes the header ``Retry-After``."""
    body = {"title": code, "status": status, "detail": detail, "code": code, "request_id": "req-1"}
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Reply(status=status, body=body, headers=named)


def reported(detail: TwapOrderDetail, kind: str) -> Reply:
    """Answer an order's report, or a file that names its order."""
    match kind:
        case "html":
            return Reply(body=f"<!doctype html><title>{detail.token_id}</title>", kind="text/html")
        case "csv":
            return Reply(
                body=f"section,name,value,unit\r\norder,token_id,{detail.token_id},\r\n", kind="text/csv"
            )
        case _:
            return given(detail.report)


def short(detail: TwapOrderDetail) -> TwapOrder:
    """Give an order as lists show it."""
    return TwapOrder.model_validate(detail.model_dump(include=set(TwapOrder.model_fields)))
