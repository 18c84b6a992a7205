"""Send models and problem documents as answers of the scripted server."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from twap_client.testing.sockets import Reply
from twap_models import ExecutionReport, SliceOutcome, TwapOrder, TwapOrderDetail
from twap_models.base import WireModel

_T = TypeVar("_T")


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


def unknown(token_id: str) -> Reply:
    """Answer that there is no such order."""
    return problem(404, "order_not_found", f"no order {token_id!r}")


def paged(detail: TwapOrderDetail, query: Mapping[str, str]) -> Reply:
    """Answer an order with the slices and fills that are wanted; a cursor is how many of each came before."""
    slices, fills = list(detail.slices), list(detail.fills)
    if query.get("latest") == "true":
        slices = [item for item in slices if item.outcome is not SliceOutcome.PENDING]
        shown, told = _last(slices, query.get("slices")), _last(fills, query.get("fills"))
        return given(detail.model_copy(update={"slices": shown, "fills": told}))
    first, begin = (int(part) for part in query.get("after", "0-0").split("-"))
    shown, told = _some(slices[first:], query.get("slices")), _some(fills[begin:], query.get("fills"))
    ends = first + len(shown), begin + len(told)
    more = _wanted(query, "slices", slices[ends[0] :]) or _wanted(query, "fills", fills[ends[1] :])
    page = given(detail.model_copy(update={"slices": shown, "fills": told}))
    link = {"Link": f'<{detail.token_id}?after={ends[0]}-{ends[1]}>; rel="next"'}
    return replace(page, headers=link) if more else page


def _some(items: list[_T], most: str | None) -> list[_T]:
    return items if most is None else items[: int(most)]


def _last(items: list[_T], most: str | None) -> list[_T]:
    return items if most is None else items[len(items) - min(len(items), int(most)) :]


def _wanted(query: Mapping[str, str], name: str, rest: Sequence[object]) -> bool:
    return query.get(name) != "0" and bool(rest)


def reported(detail: TwapOrderDetail, report: ExecutionReport, kind: str) -> Reply:
    """Answer an order's report, or a file that names its order."""
    match kind:
        case "html":
            return Reply(body=f"<!doctype html><title>{detail.token_id}</title>", kind="text/html")
        case "csv":
            return Reply(
                body=f"section,name,value,unit\r\norder,token_id,{detail.token_id},\r\n", kind="text/csv"
            )
        case _:
            return given(report)


def short(detail: TwapOrderDetail) -> TwapOrder:
    """Give an order as lists show it."""
    return TwapOrder.model_validate(detail.model_dump(include=set(TwapOrder.model_fields)))
