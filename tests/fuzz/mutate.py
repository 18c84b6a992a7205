"""Odd inputs made of ordinary ones: bytes cut, doubled, replaced, JSON with one thing wrong in it.

Everything is drawn from the given ``random.Random``: the same seed gives the same input again.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeAlias

Samples: TypeAlias = Sequence[bytes]
Mutate: TypeAlias = Callable[[Samples, Random], bytes]

LONGEST = 40_000
"""Bytes of an input, about."""
TOKENS = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n\n", b" ", b"\t",
    b'"', b"\\", b"\\ud800", b"\\u0000", b"[", b"]", b"{", b"}", b",", b":", b"-", b"-0", b"0", b"1e999",
    b"-1e-999", b"NaN", b"Infinity", b"null", b"true", b"9223372036854775808", b"-9223372036854775809",
    b"9" * 40, b"0." + b"0" * 40 + b"1", b"[" * 1_500, b'{"a":' * 1_500, b"A" * 5_000, b"%00", b"%ED%A0%80",
    b"%", b"&", b"=", b";", b"http://[::1", b"..", b"/", b"0001-01-01", b"9999-12-31T23:59:59-14:00",
    b"\xd9\xa1", b"\xf0\x9f\x98\x80", b"$(x)", b"=1+1",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**40, 0.1, -0.0, 1e300, "", " ", "0", "-1",
    "1e5", "1e999", "NaN", "٣", "1_000", "\x00", "\ud800", "é" * 300, "x" * 3_000, [], {}, [[]], [None],
    {"": None}, "now", "+15m", "+99999999d", "0001-01-01", "9999-12-31T23:59:59-14:00",
    "1970-01-01T00:00:00Z", "2199-12-31", "aggregate", "binance", "BTC-USDT", "9" * 31,
    "0." + "0" * 18 + "1",
)  # fmt: skip


def of_bytes(samples: Samples, rng: Random) -> bytes:
    """One of the samples with a few changes to its bytes."""
    made = rng.choice(samples)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        made = rng.choice(_WAYS)(made, samples, rng)[:LONGEST]
    return made


def of_json(samples: Samples, rng: Random) -> bytes:
    """One of the samples, which are JSON, with a few of its values changed; at times its bytes, too."""
    try:
        value = json.loads(rng.choice(samples))
    except (ValueError, RecursionError):
        return of_bytes(samples, rng)
    for _ in range(rng.choice((1, 1, 2, 3))):
        value = changed(value, rng)
    written = json.dumps(value, ensure_ascii=rng.random() < 0.7).encode(errors="surrogatepass")
    return of_bytes((written,), rng) if rng.random() < 0.25 else written[:LONGEST]


def packed(mutate: Mutate) -> Mutate:
    """The same for samples that are gzip: inside them mostly, at times the packed bytes."""

    def mutated(samples: Samples, rng: Random) -> bytes:
        if rng.random() < 0.2:
            return of_bytes(samples, rng)
        return gzip.compress(mutate([gzip.decompress(one) for one in samples], rng), 1, mtime=0)

    return mutated


def of_lines(mutate: Mutate, ends: bytes = b"\n") -> Mutate:
    """The same for samples of several lines: lines go, come twice or swap, and some are mutated."""

    def mutated(samples: Samples, rng: Random) -> bytes:
        lines = rng.choice(samples).split(ends)
        for _ in range(rng.choice((1, 1, 2, 3))):
            place = rng.randrange(len(lines))
            way = rng.randrange(6)
            if way == 0 and len(lines) > 1:
                del lines[place]
            elif way == 1:
                lines.insert(place, lines[rng.randrange(len(lines))])
            elif way == 2:
                other = rng.randrange(len(lines))
                lines[place], lines[other] = lines[other], lines[place]
            else:
                lines[place] = mutate((lines[place],), rng)
        return ends.join(lines)[:LONGEST]

    return mutated


def changed(value: Any, rng: Random) -> Any:
    """The same JSON value with one thing in it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        return _changed_object(dict(value), rng)
    if isinstance(value, list) and value and rng.random() < 0.85:
        return _changed_list(list(value), rng)
    if isinstance(value, str) and rng.random() < 0.3:
        token = (
            rng.choice(TOKENS)
            .decode(errors="surrogateescape")
            .encode("utf-16", "surrogatepass")
            .decode("utf-16", "replace")
        )
        cut = rng.randrange(len(value) + 1)
        return value[:cut] + token[:200] + value[cut:]
    return rng.choice(ODD)


def _changed_object(value: dict[str, Any], rng: Random) -> dict[str, Any]:
    key = rng.choice(list(value))
    match rng.randrange(8):
        case 0:
            del value[key]
        case 1:
            value[rng.choice(("", "a", "\ud800", "\x00", "type", "data", key.upper(), "x" * 300))] = (
                rng.choice(ODD)
            )
        case 2:
            value[key] = value[rng.choice(list(value))]
        case _:
            value[key] = changed(value[key], rng)
    return value


def _changed_list(value: list[Any], rng: Random) -> list[Any]:
    place = rng.randrange(len(value))
    match rng.randrange(8):
        case 0:
            del value[place]
        case 1:
            value.insert(place, rng.choice(ODD))
        case 2:
            value.extend(value[:50] * rng.randrange(1, 4))
        case _:
            value[place] = changed(value[place], rng)
    return value


def _cut(data: bytes, _: Samples, rng: Random) -> bytes:
    begin, end = _span(data, rng)
    return data[:begin] + data[end:]


def _truncated(data: bytes, _: Samples, rng: Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _doubled(data: bytes, _: Samples, rng: Random) -> bytes:
    begin, end = _span(data, rng)
    return data[:end] + data[begin:end] * rng.choice((1, 2, 50)) + data[end:]


def _inserted(data: bytes, _: Samples, rng: Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(TOKENS) + data[place:]


def _replaced(data: bytes, _: Samples, rng: Random) -> bytes:
    begin, end = _span(data, rng)
    return data[:begin] + rng.choice(TOKENS) + data[end:]


def _flipped(data: bytes, _: Samples, rng: Random) -> bytes:
    made = bytearray(data or b"\0")
    for _ in range(rng.choice((1, 1, 4, 16))):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def _spliced(data: bytes, samples: Samples, rng: Random) -> bytes:
    other = rng.choice(samples)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _grown_digits(data: bytes, _: Samples, rng: Random) -> bytes:
    places = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return data
    place = rng.choice(places)
    return data[:place] + rng.choice((b"9" * 25, b"0" * 25, b"e", b".", b"-")) + data[place:]


def _span(data: bytes, rng: Random) -> tuple[int, int]:
    begin = rng.randrange(len(data) + 1)
    return begin, min(len(data), begin + rng.choice((1, 2, 8, 64, 1_000)))


_WAYS = (_cut, _truncated, _doubled, _inserted, _replaced, _flipped, _spliced, _grown_digits)


def pieces(data: bytes) -> list[bytes]:
    """Cut an input into reads as a socket might, always the same way for the same input."""
    rng = Random(zlib.crc32(data))
    if rng.random() < 0.5:
        return [data]
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((1, 2, 5, 20))))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True) if begin < end]
