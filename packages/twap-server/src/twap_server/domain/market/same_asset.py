"""Decide which books of one symbol show the same asset: one ticker may name two coins.

In: their mids and how far two may lie apart. Out: those that may be merged and filled across. Pure, exact.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from twap_server.domain import exact

_Key = TypeVar("_Key")


def agree(one: Decimal, other: Decimal, spread: Decimal) -> bool:
    """Whether two mids (above 0) differ by at most ``spread``, as a share of the lower one."""
    low, high = min(one, other), max(one, other)
    return exact.subtract(high, low) <= exact.multiply(low, spread)


def agreeing(mids: Mapping[_Key, Decimal], spread: Decimal) -> frozenset[_Key]:
    """Those whose mids agree with most of the others, each with each; one alone agrees with itself.

    1. A group is what lies within ``spread`` of its lowest mid.
    2. The largest group counts, if it has more than half of all.
    3. Of several groups of that size, what they share counts.

    So of three the odd one is left out, and of two that disagree both are: neither proves the other wrong.
    """
    ordered = sorted(mids, key=lambda key: mids[key])
    groups = [
        frozenset(key for key in ordered[first:] if agree(mids[lowest], mids[key], spread))
        for first, lowest in enumerate(ordered)
    ]
    size = max(map(len, groups), default=0)
    if 2 * size <= len(ordered):
        return frozenset()
    return frozenset.intersection(*(group for group in groups if len(group) == size))
