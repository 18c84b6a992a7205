"""Tell how large an order's slices are, however many, without a look at each where that changes nothing.

In: a schedule, and what is straight: between which sizes what a slice costs rises in a straight line. Out:
groups of slices, each with a size and the quantity of all of them.

1. Of neighbours the curve says between which sizes they lie. If that is straight, their quantity together is
   all that counts. If it is no more than a step wide, that quantity says how many have which size.
2. Others are parted in halves, and a few of them are taken one by one.
3. That is exact as long as it takes no more than ``LOOKS`` looks at the curve, which is always so up to 4,096
   slices. Beyond that the neighbours of a part that is left count as equal, and are noted in ``uneven``. Of
   anything that only rises with the size of a slice, as its cost does, such a part is then off by no more
   than its number of slices times the difference that lies between its smallest and its largest one.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.curves import AtOnce
from twap_server.domain.orders.schedule import Schedule

LOOKS: Final = 5_200
"""At slices, some 7 us each, and at parts."""
_LOOKS_A_PART: Final = 4
_FEW: Final = 32
"""Slices that are taken one by one: 4,096 of them are 128 such parts, and 255 with those that were halved."""

IsStraight: TypeAlias = Callable[[Decimal, Decimal], bool]


class Group(NamedTuple):
    """Slices that are counted together; base currency."""

    size: Decimal
    """Of each of them, or one that is as straight as theirs."""
    slices: int
    quantity: Decimal
    """Of all of them."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Slices from ``begin`` up to ``end``, and the fewest and the most lots that one can have."""

    begin: int
    end: int
    fewest: int
    most: int

    @property
    def count(self) -> int:
        """Of its slices."""
        return self.end - self.begin


class SliceSizes:
    """The slices of a plan's plain curve."""

    def __init__(
        self, schedule: Schedule, *, skipped: int = 0, look: Callable[[int], None] | None = None
    ) -> None:
        """Take a schedule up.

        Args:
            schedule: its ``randomize`` is left out.
            skipped: first slices that are left out.
            look: is told before so many slices are looked at.
        """
        self._plain = plain = replace(schedule, randomize=ZERO)
        self._look, self._left = look, LOOKS
        self.uneven: list[Neighbours] = []
        """What ``groups`` took as equal although it may not be."""
        begin, end = max(skipped, plain.first), plain.count - 1
        self._rest = plain.size(end) if skipped <= end else ZERO
        if isinstance(plain.curve, AtOnce):
            end = min(end, plain.first + 1)  # those between it and the last one want nothing
        self._whole = self._part(begin, end) if begin < end else None

    @property
    def most(self) -> Decimal:
        """No slice is larger; 0: there is none."""
        return max(self._rest, self._quantity(self._whole.most) if self._whole else ZERO)

    def groups(self, is_straight: IsStraight) -> Iterator[Group]:
        """All slices that want something.

        Args:
            is_straight: whether what a slice costs rises in a straight line from one size to another.
        """
        if self._rest:
            yield Group(self._rest, 1, self._rest)
        parts = deque([] if self._whole is None else [self._whole])
        while parts:
            part = parts.popleft()
            if is_straight(self._quantity(part.fewest), self._quantity(part.most)):
                yield from self._together(part)
            elif part.most - part.fewest <= self._plain.lots_a_step:
                yield from self._as_equal(part)
            elif part.count <= min(_FEW, self._left):
                yield from self._one_by_one(part)
            elif self._left:
                parts += self._halves(part)
            else:
                self.uneven.append(part)
                yield from self._as_equal(part)

    def _halves(self, part: Neighbours) -> tuple[Neighbours, Neighbours]:
        self._looked(2 * _LOOKS_A_PART)
        middle = (part.begin + part.end) // 2
        return self._part(part.begin, middle), self._part(middle, part.end)

    def _part(self, begin: int, end: int) -> Neighbours:
        fewest, most = self._plain.extent(begin, end)
        if end - begin <= _FEW and most - fewest > self._plain.lots_a_step:
            sizes = list(self._lots(begin, end))
            fewest, most = min(sizes), max(sizes)
        return Neighbours(begin, end, fewest, most)

    def _together(self, part: Neighbours) -> Iterator[Group]:
        if lots := self._lots_of(part):
            yield Group(self._quantity(part.fewest), part.count, self._quantity(lots))

    def _as_equal(self, part: Neighbours) -> Iterator[Group]:
        """As equal as the step allows: so it is where sizes lie no more than a step apart."""
        step = self._plain.lots_a_step
        small, larger = divmod(self._lots_of(part) // step, part.count)
        for steps, count in ((small, part.count - larger), (small + 1, larger)):
            if steps and count:
                size = self._quantity(steps * step)
                yield Group(size, count, exact.multiply(size, Decimal(count)))

    def _one_by_one(self, part: Neighbours) -> Iterator[Group]:
        self._looked(part.count)
        for lots in self._lots(part.begin, part.end):
            if lots:
                size = self._quantity(lots)
                yield Group(size, 1, size)

    def _lots(self, begin: int, end: int) -> Iterator[int]:
        """Of each slice."""
        before = self._plain.risen(begin - 1)
        for index in range(begin, end):
            reached = self._plain.risen(index)
            yield reached - before
            before = reached

    def _lots_of(self, part: Neighbours) -> int:
        """Of all of them."""
        return self._plain.risen(part.end - 1) - self._plain.risen(part.begin - 1)

    def _quantity(self, lots: int) -> Decimal:
        return exact.multiply(Decimal(lots), self._plain.lot_size)

    def _looked(self, slices: int) -> None:
        self._left = max(0, self._left - slices)
        if self._look is not None:
            self._look(slices)
