"""Write a slice's fills as one text: they are recorded with it, read with it, and never changed.

In rows of their own each fill cost two index pages of its order, and a commit is as dear as the pages it
changes. The text is a JSON list of lists, one for each fill, in order; prices, quantities and fees are exact
text in it.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import StoreConflict
from twap_server.domain.orders.order import Fill
from twap_server.store.columns import to_text


class _FillText(Struct, array_like=True, gc=False):
    """A fill as it stands in the text; its slice is that of the row."""

    fill_id: str
    time: int
    exchange: str
    price: str
    quantity: str
    fee: str
    book_seq: int
    book_time: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[_FillText]).decode


def write_fills(fills: Sequence[Fill]) -> str | None:
    """Write the fills of one slice; None where there are none.

    Raises:
        StoreConflict: one is there twice.
    """
    if not fills:
        return None
    if len(fills) > 1 and len({fill.fill_id for fill in fills}) < len(fills):
        raise StoreConflict(f"not recorded: a fill is there twice: {[fill.fill_id for fill in fills]}")
    return _encode(
        [
            (
                fill.fill_id,
                fill.time,
                fill.exchange,
                to_text(fill.price),
                to_text(fill.quantity),
                to_text(fill.fee),
                fill.book_seq,
                fill.book_time,
            )
            for fill in fills
        ]
    ).decode()


def read_fills(slice_index: int, text: str | None) -> tuple[Fill, ...]:
    """Read them back."""
    if text is None:
        return ()
    return tuple(
        Fill(
            fill_id=one.fill_id,
            slice_index=slice_index,
            time=Nanos(one.time),
            exchange=one.exchange,
            price=Decimal(one.price),
            quantity=Decimal(one.quantity),
            fee=Decimal(one.fee),
            book_seq=one.book_seq,
            book_time=Nanos(one.book_time),
        )
        for one in _decode(text)
    )
