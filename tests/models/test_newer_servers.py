"""An older client meets the words of a newer server."""

import pytest

from twap_models import Slice
from twap_models.enums import SliceReason

SLICE = {
    "index": 0,
    "due_time": "2026-01-01T00:00:00Z",
    "outcome": "missed",
    "wanted_quantity": 1,
    "filled_quantity": 0,
}


@pytest.mark.parametrize("reason", ["not_tradable", "stale_book", "a_word_of_next_year"])
def test_a_reason_is_read_whether_it_is_known_or_not(reason: str) -> None:
    read = Slice.model_validate(SLICE | {"reason": reason})
    assert read.reason == reason
    assert isinstance(read.reason, SliceReason) == (reason in list(SliceReason))
    assert Slice.from_json(read.to_json()) == read
