"""Lengths, moments and addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_client.cli import spoken
from twap_client.errors import UsageError
from twap_models.fields import parse_duration


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("90", 90), ("5m", 300), ("1h", 3600), ("1 hour", 3600), ("1h30m", 5400), ("1h 30min", 5400),
        ("1 hour and 30 minutes", 5400), ("1 hour, 30 minutes", 5400), ("00:05:00", 300),
        ("36:00:01", 129_601), ("2 Days", 172_800), (" 90 s ", 90), ("1w", 604_800), ("0.5h", 1800),
    ],
)  # fmt: skip
def test_lengths(typed: str, seconds: int) -> None:
    given_on = spoken.length("--duration", typed)
    assert parse_duration(given_on).total_seconds() == seconds


def test_a_part_of_a_second_is_exact() -> None:
    assert spoken.length("--interval", "1s 250ms") == "1.250"
    assert spoken.length("--interval", "0.000001") == "0.000001"


@pytest.mark.parametrize("typed", ["", "soon", "-5", "1x", "1m1m", "m", "5 5", "1M", "٣", "1h-30m", "1e3"])
def test_what_is_no_length_is_told_with_examples(typed: str) -> None:
    with pytest.raises(UsageError, match=r"--duration: expected a length such as 90 .* got '"):
        spoken.length("--duration", typed)


def test_two_readings_are_both_named() -> None:
    with pytest.raises(UsageError, match=r"write 5:30:00 or 00:05:30"):
        spoken.length("--duration", "5:30")


@given(st.text(max_size=30))
def test_any_text_is_a_length_or_answered(text: str) -> None:
    try:
        parse_duration(spoken.length("--duration", text))
    except UsageError as error:
        assert str(error).startswith("--duration: ")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("now", "now"), ("NOW", "now"), ("+15m", "+15m"), ("+1h30m", "+5400"), ("in 90 minutes", "+5400"),
        ("2026-11-29T10:00", "2026-11-29T10:00"), ("soon", "soon"),
    ],
)  # fmt: skip
def test_moments(typed: str, read: str) -> None:
    assert spoken.moment("--end", typed) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("localhost:8000", "http://localhost:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("desk.example", "https://desk.example"),
        ("desk.example:8443/twap", "https://desk.example:8443/twap"),
        ("10.0.0.5:8000", "https://10.0.0.5:8000"),
        ("127.example:80", "https://127.example:80"),
        ("http://desk.example", "http://desk.example"),
        ("not an address", "not an address"),
        ("nonsense", "nonsense"),
        ("desk:8000", "https://desk:8000"),
    ],
)
def test_a_scheme_is_added_and_never_a_readable_one_to_another_machine(typed: str, read: str) -> None:
    assert spoken.address(typed) == read
