"""A recording of each exchange is replayed: made up here from its own messages, with its list beside it."""

from decimal import Decimal
from pathlib import Path

import pytest

from support.exchanges import CASES
from support.exchanges.case import ExchangeCase
from support.made_recordings import listed, lists, said, written
from twap_models import OrderStatus, TwapOrderRequest
from twap_server.bootstrap import replay
from twap_server.domain.errors import InvalidRequest
from twap_server.settings import Settings

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.shape.name)
SMALL = "0.001"


def an_order(case: ExchangeCase) -> TwapOrderRequest:
    one = listed(case)
    return TwapOrderRequest(
        token_id="a", exchange=case.shape.name, symbol=one.id.symbol, side="sell",
        quantity=max(Decimal(SMALL), one.min_quantity, one.lot_size), duration="2s", slices=1,
    )  # fmt: skip


@each
def test_an_order_is_worked_on_its_recording(case: ExchangeCase, tmp_path: Path) -> None:
    path = written(tmp_path / "a.gz", [*lists(case), *said(case)])
    (record,) = replay(path, [an_order(case)], Settings()).records
    assert record.order.status is OrderStatus.FILLED, record.order
    assert {fill.exchange for fill in record.fills} == {case.shape.name}


@pytest.mark.parametrize("ending", ["json", "gz"])
def test_the_list_may_stand_beside_the_recording(ending: str, tmp_path: Path) -> None:
    case = next(one for one in CASES if one.shape.name == "okx")
    beside = tmp_path / f"list.{ending}"
    if ending == "json":
        beside.write_bytes(case.body(case.entry))
    else:
        written(beside, lists(case))
    path = written(tmp_path / "a.gz", said(case))
    (record,) = replay(path, [an_order(case)], Settings(), instruments=beside).records
    assert record.order.status is OrderStatus.FILLED, record.order


def test_the_list_of_one_kind_is_enough(tmp_path: Path) -> None:
    case = next(one for one in CASES if one.shape.name == "okx")
    pairs, _ = lists(case)
    path = written(tmp_path / "a.gz", [pairs, *said(case)])
    (record,) = replay(path, [an_order(case)], Settings()).records
    assert record.order.status is OrderStatus.FILLED, record.order


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>"])
@each
def test_a_list_that_cannot_be_read_ends_the_replay(case: ExchangeCase, body: bytes, tmp_path: Path) -> None:
    beside = tmp_path / "list.json"
    beside.write_bytes(body)
    with pytest.raises(InvalidRequest, match=rf"{case.shape.name}'s list .* cannot be used: .*--instruments"):
        replay(written(tmp_path / "a.gz", said(case)), [an_order(case)], Settings(), instruments=beside)


def test_a_refusal_is_no_list(tmp_path: Path) -> None:
    case = next(one for one in CASES if one.shape.name == "okx")
    beside = tmp_path / "list.json"
    beside.write_text('{"code":"51000","msg":"","data":[]}')
    path = written(tmp_path / "a.gz", said(case))
    with pytest.raises(InvalidRequest, match="okx's list of instruments cannot be used"):
        replay(path, [an_order(case)], Settings(), instruments=beside)


def test_a_list_that_misses_an_answer_ends_the_replay(tmp_path: Path) -> None:
    case = next(one for one in CASES if one.shape.name == "hyperliquid")
    path = written(tmp_path / "a.gz", [*lists(case)[:1], *said(case)])
    with pytest.raises(InvalidRequest, match=r"cannot be used: .* is missing: give another"):
        replay(path, [an_order(case)], Settings())


def test_the_list_may_stand_in_a_folder_beside(tmp_path: Path) -> None:
    case = next(one for one in CASES if one.shape.name == "okx")
    (beside := tmp_path / "lists").mkdir()
    written(beside / "list.jsonl.gz", lists(case))
    path = written(tmp_path / "a.gz", said(case))
    (record,) = replay(path, [an_order(case)], Settings(), instruments=beside).records
    assert record.order.status is OrderStatus.FILLED, record.order


def test_a_file_without_the_list_is_named(tmp_path: Path) -> None:
    case = next(one for one in CASES if one.shape.name == "okx")
    path, beside = written(tmp_path / "a.gz", said(case)), written(tmp_path / "b.gz", said(case))
    with pytest.raises(InvalidRequest, match=r"nor does .*b\.gz hold okx's list"):
        replay(path, [an_order(case)], Settings(), instruments=beside)


@each
def test_a_recording_without_the_list_says_what_to_give(case: ExchangeCase, tmp_path: Path) -> None:
    if case.shape.name in ("binance", "kraken"):
        return
    with pytest.raises(InvalidRequest, match=f"{case.shape.name}'s list of instruments.*--instruments"):
        replay(written(tmp_path / "a.gz", said(case)), [], Settings())
