"""exact_json.py and fields.py: digits survive, strange numbers are refused, times are UTC."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from twap_models import ExecutionReport, TwapOrder, TwapOrderAmendment, TwapOrderRequest, exact_json
from twap_models.fields import lacks_zone

BODY = {
    "token_id": "a",
    "exchange": "binance",
    "symbol": "BTCUSDT",
    "quantity": "1",
    "duration": 60,
    "interval": 5,
}
ORDER = {
    "token_id": "a",
    "symbol": "BTCUSDT",
    "side": "buy",
    "quantity": "99999999999e18",
    "status": "Working",
    "creation_time": "2026-01-01T00:00:00Z",
    "exchange": "binance",
    "order_id": "x",
}
decimals = st.decimals(
    min_value=-(10**12), max_value=10**12, places=12, allow_nan=False, allow_infinity=False
)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_plain_values_are_written_as_the_standard_library_reads_them(value: object) -> None:
    assert json.loads(exact_json.dumps(value)) == value


@given(decimals)
def test_decimals_come_back_as_they_went_and_without_exponent(value: Decimal) -> None:
    text = exact_json.dumps([value]).decode()
    assert "e" not in text.lower()
    if value:
        assert exact_json.loads(text) == [value]


@pytest.mark.parametrize(
    "text", ["0.00000001", "12345678901234567890.123456789", "1e-8", "61837.63000000", "1E3"]
)
def test_numbers_are_read_exactly_from_number_or_text(text: str) -> None:
    for form in (text, f'"{text}"'):
        raw = exact_json.dumps(BODY).decode().replace('"1"', form)
        assert TwapOrderRequest.from_json(raw).quantity == Decimal(text)


@pytest.mark.parametrize(
    "form",
    [
        "1e999999",
        "1E-400",
        "NaN",
        "Infinity",
        "-0",
        "-0.0",
        "1e99999999999999999999999",
        "1e-99999999999999999999999",
        '"1_000"',
        '"1-2"',
        '"2199-12-31"',
        '"e5"',
        '"1e"',
        '"."',
        '"+"',
        '"1e1e1"',
        '"١٢"',
        '" 1 "',
        '""',
        "true",
        '"NaN"',
        "null",
        "1" * 31,
        '"0x10"',
        "1" + "0" * 40,
        "[1]",
        '"1e999999999999"',
    ],
)
def test_strange_numbers_are_refused(form: str) -> None:
    raw = exact_json.dumps(BODY).decode().replace('"1"', form)
    with pytest.raises(ValueError):
        TwapOrderRequest.from_json(raw)


@given(st.text("0123456789+-.eE", max_size=40))
def test_a_text_is_read_as_decimal_reads_it_or_refused(text: str) -> None:
    """Never an error of any other kind, whatever the digits."""
    try:
        found = exact_json.parse_decimal(text, exact_json.TOLD)
    except exact_json.InexactNumber:
        return
    assert found == Decimal(text)


def test_a_float_goes_through_its_repr() -> None:
    assert TwapOrderRequest(**(BODY | {"quantity": 0.1})).quantity == Decimal("0.1")


def test_repeated_keys_and_deep_nesting_are_refused() -> None:
    for text in ('{"a":1,"a":2}', "[" * 100_000):
        with pytest.raises(ValueError):
            exact_json.loads(text)


def test_times_without_offset_are_utc_and_offsets_are_kept_true() -> None:
    request = TwapOrderRequest(**(BODY | {"start_time": "2025-03-30T02:30:00"}))
    assert request.start_time == datetime(2025, 3, 30, 2, 30, tzinfo=UTC)
    request = TwapOrderRequest(**(BODY | {"start_time": "2025-03-30T02:30:00+05:30"}))
    assert request.start_time == datetime(2025, 3, 30, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert b'"start_time":"2025-03-29T21:00:00.000000Z"' in request.to_json()


NAIVE = datetime(2026, 11, 29, 10)


def test_a_datetime_without_a_zone_is_refused_wherever_it_enters() -> None:
    with pytest.raises(ValidationError, match=r"has no zone: write datetime\.now\(timezone\.utc\)"):
        TwapOrderRequest(**(BODY | {"start_time": NAIVE}))
    with pytest.raises(ValidationError, match="has no zone"):
        TwapOrderAmendment(end_time=NAIVE)
    aware = TwapOrderRequest(**(BODY | {"start_time": NAIVE.replace(tzinfo=UTC)}))
    with pytest.raises(ValueError, match="has no zone"):
        aware.model_copy(update={"start_time": NAIVE}).to_json()
    with pytest.raises(ValidationError, match="from year 1 to 9999"):
        TwapOrderAmendment(end_time=datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))))


@pytest.mark.parametrize(
    ("value", "naive"),
    [
        (NAIVE, True),
        ("2026-11-29T10:00", True),
        ("2026-11-29", True),
        (NAIVE.replace(tzinfo=UTC), False),
        ("2026-11-29T10:00Z", False),
        ("2026-11-29 10:00-05:00", False),
        ("now", False),
        ("+15m", False),
        (None, False),
    ],
)
def test_what_lacks_a_zone(value: object, naive: bool) -> None:
    assert lacks_zone(value) is naive


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (5, 5),
        ("5m", 300),
        ("250ms", "0.25"),
        ("1h", 3600),
        ("1h30m", 5400),
        ("8m30s", 510),
        ("1d2h3m4s5ms", "93784.005"),
        (0.5, "0.5"),
    ],
)
def test_durations(text: object, seconds: object) -> None:
    request = TwapOrderRequest(**(BODY | {"interval": text}))
    assert request.interval == timedelta(seconds=float(Decimal(str(seconds))))


@pytest.mark.parametrize(
    "change",
    [
        {"end_time": "+15m"},
        {"duration": None},
        {"slices": 3},
        {"interval": None},
        {"interval": "5 parsecs"},
        {"start_time": "yesterday"},
        {"quantiy": 1},
        {"token_id": "a b"},
        {"side": "hold"},
        {"token_id": "x" * 65},
    ],
)
def test_wrong_bodies_name_the_field(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TwapOrderRequest(**(BODY | change))


def test_what_remains_of_a_huge_order_may_have_more_digits_than_the_order() -> None:
    left = Decimal("99999999998999999999999999998.87058")
    assert TwapOrder.model_validate(ORDER | {"remaining_quantity": left}).remaining_quantity == left


def test_limit_price_is_an_alias_of_price() -> None:
    assert TwapOrderRequest(**(BODY | {"limit_price": "7.5"})).price == Decimal("7.5")


def test_what_a_server_worked_out_may_be_longer_than_what_may_be_sent() -> None:
    fees = Decimal("123456789012345678901234567890") * Decimal("1e-18")
    text = exact_json.dumps({"fees": Decimal(f"{fees:f}" + "1" * 20), "quantity": Decimal("2.500")})
    report = ExecutionReport.from_json(text)
    assert exact_json.loads(report.to_json(), exact_json.TOLD)["fees"] == report.fees
    assert str(report.fees).endswith("1" * 20) and str(report.quantity) == "2.5"
    with pytest.raises(ValueError, match="30"):
        exact_json.loads(text)
    with pytest.raises(ValueError, match="150"):
        ExecutionReport.from_json(b'{"fees": 1' + b"1" * 150 + b"}")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**40), max_value=10**40))
def test_figures_keep_their_value(value: Decimal) -> None:
    assert ExecutionReport(fees=value or Decimal(0)).fees == value
