"""Messages between nodes: what is written is read again, and another version is named."""

import pytest
from msgspec import Struct

from twap_server.cluster.coding import VERSION, WrongVersion, decode, encode
from twap_server.cluster.subjects import Subjects
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.ownership import PARTITIONS, partition_of


class Said(Struct):
    number: int
    words: str = "none"


def test_what_is_written_is_read_again_and_a_field_that_is_not_there_has_its_default() -> None:
    assert decode(encode(Said(1, "two")), Said) == Said(1, "two")
    assert decode(encode({"number": 3}), Said) == Said(3)
    assert decode(encode({"number": 3, "of a newer node": 1}), Said) == Said(3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes((VERSION + 1,)) + encode(Said(1))[1:],
        b"\xff",
        encode([1]),
        bytes((VERSION,)) + b"\x82\xa6number\x01\xa5words\xa2\xff\xfe",
        bytes((VERSION,)) + b"\x81\xa1x" + b"\x91" * 200_000,
    ],
    ids=["empty", "newer", "broken", "of another kind", "no text", "deep"],
)
def test_what_cannot_be_read_is_told(body: bytes) -> None:
    with pytest.raises(WrongVersion):
        decode(body, Said)


def test_subjects_have_as_many_parts_whatever_the_names_hold() -> None:
    names = Subjects("twap")
    for symbol in ("BTC-USDT", "A.B-C", "A B-C", "*", "Ä>-C", "a~b"):
        subject = names.book(InstrumentId("x", f"{symbol}!"))
        assert subject.count(".") == 3
        assert not set(subject) & set(" *>~")


def test_partitions_are_used_alike() -> None:
    counts = [0] * PARTITIONS
    for number in range(6_400):
        counts[partition_of(f"user-{number}")] += 1
    assert min(counts) > 50
    assert max(counts) < 160
