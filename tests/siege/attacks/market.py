"""Anonymous sweeps over everything that an exchange lists."""

from itertools import product

from siege import wire
from siege.attack import Attack
from siege.ground import Ground
from siege.tally import Tally

_LISTED = {name: ("BTC-USDT", "ETH-USDT") for name in ("binance", "kraken", "aggregate")}
"""All that the simulated exchange lists: that many books are bounded is tested elsewhere."""
_HOSTS = 6
_ALLOWED_CANDLES, _ALLOWED_READS = 120, 1_200
"""Of one address and minute, by default; attacks of less than a minute are not served more."""


class _Sweep(Attack):
    number = "A5"
    held = "each address is served its share and then told 429"
    allowed = 0

    def paths(self) -> list[str]:
        """What is asked for, in turn."""
        raise NotImplementedError

    async def run(self, ground: Ground) -> None:
        """From six addresses, each on one connection after another."""
        paths = self.paths()
        ground.rng.shuffle(paths)

        async def once(number: int) -> None:
            async with ground.line(number) as line:
                for path in paths[:100]:
                    await line.ask(wire.request("GET", path))
                    if not ground.goes_on:
                        return

        await ground.repeat(once, at_once=_HOSTS)

    def look(self, tally: Tally) -> None:
        """Count what was served."""
        super().look(tally)
        served = tally.answers["200"]
        if served > _HOSTS * self.allowed:
            tally.hole(f"{served} answers for {_HOSTS} addresses that may have {self.allowed} a minute")


class Candles(_Sweep):
    """Candles of every instrument, interval and length."""

    name = "candles"
    what = "GET /klines over all instruments, intervals and lengths from 6 addresses"
    allowed = _ALLOWED_CANDLES

    def paths(self) -> list[str]:
        """No two alike, so that nothing is answered from a cache."""
        listed = [(name, symbol) for name in ("binance", "kraken") for symbol in _LISTED[name]]
        return [
            f"/klines/{name}/{symbol}?interval={interval}&limit={limit}"
            for (name, symbol), interval, limit in product(
                listed, ("1m", "5m", "15m", "1h", "4h", "1d"), range(900, 1_000, 7)
            )
        ]


class Books(_Sweep):
    """Books of every instrument, and of many that nobody lists."""

    name = "books"
    what = "GET /orderbook over all instruments, and names nobody lists, from 6 addresses"
    allowed = _ALLOWED_READS

    def paths(self) -> list[str]:
        """Each instrument in several depths, as many unknown ones."""
        known = [
            f"/orderbook/{name}/{symbol}?depth={depth}"
            for name, symbols in _LISTED.items()
            for symbol in symbols
            for depth in (1, 10, 100, 1_000)
        ]
        return known + [f"/orderbook/binance/NO{number}-USDT" for number in range(64)]
