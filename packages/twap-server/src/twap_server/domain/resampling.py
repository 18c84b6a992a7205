"""Say between which values a figure lies, by drawing its blocks of time again: one bootstrap for all who ask.

In: blocks, what a draw of them comes to, and a seeded choice. Out: what each draw comes to, and the 95 % that
lie in the middle. Blocks are stretches of time: what lies near one another shares its market and is drawn
together.

Below ``FEWEST`` blocks there are no draws: even if all of 5 lay on one side, chance alone would do that in
2 · 2⁻⁵ = 6 % of cases.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

DRAWS: Final = 2_000
FEWEST: Final = 6
"""Blocks that an interval needs."""
_TAIL: Final = 25
"""Of a thousand, on each side."""

Block = TypeVar("Block")
Figure = TypeVar("Figure")


class Choose(Protocol):
    """Chooses ``k`` of some, each as likely as any other, again and again: ``Random(seed).choices``."""

    def __call__(self, population: Sequence[Block], *, k: int) -> Sequence[Block]:
        """See above."""
        ...


def redrawn(
    blocks: Sequence[Block], figure: Callable[[Sequence[Block]], Figure], choose: Choose
) -> list[Figure] | None:
    """What each of ``DRAWS`` draws of as many blocks comes to; None below ``FEWEST`` blocks."""
    if len(blocks) < FEWEST:
        return None
    return [figure(choose(blocks, k=len(blocks))) for _ in range(DRAWS)]


def middle(values: Sequence[int]) -> tuple[int, int]:
    """Between which values 95 % of them lie, by nearest rank."""
    return ranked(values, _TAIL), ranked(values, 1_000 - _TAIL)


def ranked(values: Sequence[int], thousandths: int) -> int:
    """The smallest value that at least so many thousandths of all are not above (nearest rank)."""
    place = -(-len(values) * thousandths // 1_000)
    return sorted(values)[max(place, 1) - 1]
