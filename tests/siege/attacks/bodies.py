"""Bodies that are dear to validate, and inputs that once ended in 500."""

import json
from collections.abc import Iterator

from siege import wire
from siege.attack import Attack
from siege.ground import Ground
from siege.tally import Tally


class KeysInABody(Attack):
    """A megabyte of members that no model knows."""

    name, number = "json-keys", "A3"
    what = "1 MB of JSON with 110,000 members to /auth/register, signed in to /orders/twap; deep nesting"
    held = "every one is refused"
    users = 1

    async def run(self, ground: Ground) -> None:
        """By four at once, each body in turn."""
        large = json.dumps({f"k{n}": 0 for n in range(110_000)}, separators=(",", ":")).encode()[:1_000_000]
        small = json.dumps({f"k{n}": 0 for n in range(1_500)}, separators=(",", ":")).encode()
        deep = b'{"a":' * 2_500 + b"0" + b"}" * 2_500
        each = [("/auth/register", body, ()) for body in (large, small, deep)]
        each += [("/orders/twap", body, (ground.key(),)) for body in (large, b"[" * 400_000)]

        async def once(number: int) -> None:
            for path, body, headers in each:
                async with ground.line(number) as line:
                    await line.ask(wire.json_request("POST", path, body, headers))

        await ground.repeat(once, at_once=4)

    def look(self, tally: Tally) -> None:
        """Nothing of it is ever accepted."""
        super().look(tally)
        if any(answer.startswith("2") for answer in tally.answers):
            tally.hole("a body of unknown members was accepted")


class OddInputs(Attack):
    """Everything that was a 500 once, and what is like it."""

    name, number = "odd-inputs", "A7"
    what = "lone surrogates, broken Origins, numbers beyond 64 bits, 30 digits, NUL, bad UTF-8, odd paths"
    held = "no answer of 5xx but 503"
    users = 1
    borrowed_mib = 128

    async def run(self, ground: Ground) -> None:
        """All of them, round after round."""
        requests = list(_odd(ground.key()))

        async def once(number: int) -> None:
            for text in requests:
                async with ground.line(number) as line:
                    status = await line.ask(text)
                    if status >= 500 and status != 503:
                        ground.tally.hole(f"{status}: {text[:90]!r}")

        await ground.repeat(once, at_once=2)


def _odd(key: str) -> Iterator[bytes]:
    for password in (b"\\ud800aaaaaaaa", b"\\u0000aaaaaaaa", b"\xff\xfeaaaaaaaa"):
        yield wire.json_request("POST", "/auth/register", b'{"username":"odd","password":"%s"}' % password)
    yield wire.request(
        "POST",
        "/auth/token",
        ("Content-Type: application/x-www-form-urlencoded",),
        b"grant_type=password&username=odd&password=%ED%A0%80%00aaaaaaa",
    )
    for origin in ("http://[::1", "http://[", "null", "http://a:b", "\udcff"):
        yield wire.request("GET", "/exchanges", (f"Origin: {origin}",))
    for number in ("9223372036854775808", "-1", "1e400", "9" * 5_000, "%00", "%ED%A0%80", "NaN"):
        yield wire.request("GET", f"/orders?limit={number}", (key,))
        yield wire.request("GET", f"/orders/a/events?since={number}", (key,))
        yield wire.request("GET", f"/klines/binance/BTC-USDT?limit={number}&start={number}")
        yield wire.request("GET", f"/orderbook/binance/{number}?depth={number}")
        yield wire.request("GET", f"/orders/{number}", (key,))
    for quantity in ("1" * 30, "0." + "1" * 29, "1e18", "1e-18", "1e999999999", "-0", '"\\ud800"'):
        body = f'{{"exchange":"binance","symbol":"BTC-USDT","quantity":{quantity},"duration":60}}'
        yield wire.json_request("POST", "/orders/twap/preview", body.encode(), (key,))
        yield wire.json_request("POST", "/orders/twap", body.encode(), (key,))
    for match in ('"', "W/", '"9999999999999999999999"', "\udcff", "*,*"):
        yield wire.json_request("PATCH", "/orders/odd", b'{"quantity":1}', (key, f"If-Match: {match}"))
    for text in (b"", b"{", b'"', b"[" * 100, b"\xff", b"\x00", b"1" * 5_000, b'{"token_id":NaN}'):
        yield wire.json_request("POST", "/orders/twap", text, (key,))
    for start in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "+999999999d", "2026-02-30"):
        body = (
            f'{{"exchange":"binance","symbol":"BTC-USDT","quantity":1,"start_time":"{start}","duration":60}}'
        )
        yield wire.json_request("POST", "/orders/twap/preview", body.encode(), (key,))
