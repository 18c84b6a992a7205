"""Times as exchanges write them: both readers give the same."""

from datetime import UTC, datetime
from importlib.util import find_spec

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twap_server.domain.market import iso_time as pure
from twap_server.domain.market.errors import WireFormatError

READERS = {"python": pure.from_iso}
if find_spec("twap_server.domain.market._times"):
    from twap_server.domain.market import _times

    READERS["compiled"] = _times.from_iso

each = pytest.mark.parametrize("from_iso", READERS.values(), ids=READERS)


@each
@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("1970-01-01T00:00:00.000000Z", 0),
        ("2021-04-17T16:43:37.075351Z", 1_618_677_817_075_351_000),
        ("2000-02-29T23:59:59.999999Z", 951_868_799_999_999_000),
        ("2100-03-01T00:00:00.000000Z", 4_107_542_400_000_000_000),
        ("2024-12-31T00:00:00Z", 1_735_603_200_000_000_000),
        ("2024-12-31T00:00:00.5Z", 1_735_603_200_500_000_000),
        ("2024-12-31T00:00:00.123456789Z", 1_735_603_200_123_456_000),
        ("2024-12-31T02:00:00.000000+02:00", 1_735_603_200_000_000_000),
    ],
)
def test_a_time_is_read_to_the_microsecond(from_iso, text, nanos):
    assert from_iso(text) == nanos


@each
@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2021-04-17T16:43:37.075351",
        "2021-02-29T00:00:00.000000Z",
        "2100-02-29T00:00:00.000000Z",
        "2021-04-31T00:00:00.000000Z",
        "2021-13-01T00:00:00.000000Z",
        "2021-00-01T00:00:00.000000Z",
        "2021-01-00T00:00:00.000000Z",
        "2021-01-01T24:00:00.000000Z",
        "2021-01-01T00:60:00.000000Z",
        "2021-01-01T00:00:60.000000Z",
        "2021-01-01T00:00:00.00000xZ",
        "2021-01-01T00:00:00.000000z+",
    ],
)
def test_what_is_no_time_is_refused(from_iso, text):
    with pytest.raises(WireFormatError):
        from_iso(text)


@each
@given(moment=st.datetimes(datetime(1950, 1, 1), datetime(2250, 1, 1)))
@example(moment=datetime(2199, 12, 31, 23, 59, 59, 999_999))
@example(moment=datetime(2200, 1, 1))
@example(moment=datetime(1969, 12, 31, 23, 59, 59, 999_999))
def test_every_day_of_the_calendar(from_iso, moment):
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    nanos = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000
    assert from_iso(moment.isoformat(timespec="microseconds") + "Z") == nanos


@each
@given(at=st.integers(0, 26), byte=st.characters(max_codepoint=255))
def test_one_changed_character_is_judged_alike(from_iso, at, byte):
    text = "2021-04-17T16:43:37.075351Z"
    text = text[:at] + byte + text[at + 1 :]
    try:
        expected = pure.from_iso(text)
    except WireFormatError:
        with pytest.raises(WireFormatError):
            from_iso(text)
    else:
        assert from_iso(text) == expected
