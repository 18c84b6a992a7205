"""A text is a time on every Python, or on none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_models.fields import lacks_zone
from twap_models.iso_time import read_iso


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T24:00",
        "2026-01-01T24:00:00Z",
        "2026-01-01 24:00:00.000000+02:00",
        "20260101T240000Z",
        "2026-W01-4T24:00",
        "2026W01T24",
    ],
)
def test_the_hour_24_is_no_hour(text: str) -> None:
    with pytest.raises(ValueError):
        read_iso(text)
    assert not lacks_zone(text)


@pytest.mark.parametrize(
    "text",
    ["2026-01-24", "2026-W24", "20260124", "2026-01-01T00:24", "2026-01-24T00:00", "2026-01-01T00:00-24"],
)
def test_24_elsewhere_is_what_it_was(text: str) -> None:
    try:
        expected = datetime.fromisoformat(text)
    except ValueError:
        with pytest.raises(ValueError):
            read_iso(text)
    else:
        assert read_iso(text) == expected


@given(moment=st.datetimes() | st.datetimes(timezones=st.just(UTC)), separator=st.sampled_from("T _"))
def test_any_other_time_is_read(moment: datetime, separator: str) -> None:
    assert read_iso(moment.isoformat(separator)) == moment
