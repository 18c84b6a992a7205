"""A race's result as figures and targets: ours against the best peer in the same rounds."""

import statistics

from benchmarks.books.contender import Mode
from benchmarks.books.race import Result
from benchmarks.harness.figures import Figure, Target

_OURS = "twap-server"


def figures(stream: str, result: Result) -> list[Figure]:
    """One figure per mode and contender."""
    return [
        Figure(f"{stream}: {mode}", who, "messages/s", values)
        for mode, runs in result.rates.items()
        for who, values in runs.items()
    ]


def share_target(stream: str, result: Result, bound: float) -> Target:
    """Compare with decoding alone: the median of the shares within a round."""
    wanted = f"{stream}, updating: at least {bound:g} times decoding alone"
    ours, ceiling = _ours(result.rates.get(Mode.UPDATING, {})), result.rates.get(Mode.DECODING, {})
    if ours is None or not ceiling:
        return Target(wanted, "nothing to compare" if ours else "our own books failed", met=False)
    who, rates = next(iter(ceiling.items()))
    share = statistics.median(mine / theirs for mine, theirs in zip(ours, rates, strict=True))
    return Target(wanted, f"{share:.2f} times {who}", met=share >= bound)


def ratio_target(stream: str, result: Result, mode: Mode, bound: float) -> Target:
    """Compare with the fastest peer of that mode: the median of the ratios within a round."""
    wanted = f"{stream}, {mode}: at least {bound:g} times the fastest peer"
    runs = result.rates.get(mode, {})
    ours = _ours(runs)
    peers = {who: values for who, values in runs.items() if not who.startswith(_OURS)}
    if ours is None or not peers:
        return Target(wanted, "no contender to compare" if ours else "our own books failed", met=False)
    fastest = max(peers, key=lambda who: statistics.median(peers[who]))
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, peers[fastest], strict=True))
    return Target(wanted, f"{ratio:.2f} times {fastest}", met=ratio >= bound)


def _ours(runs: dict[str, list[float]]) -> list[float] | None:
    return next((values for who, values in runs.items() if who.startswith(_OURS)), None)
