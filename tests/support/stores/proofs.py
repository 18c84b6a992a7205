"""What orders are proven by, made of the records that somebody else holds in memory."""

from collections.abc import Sequence
from typing import Protocol

from twap_models.enums import OrderEventType
from twap_server.domain.orders.order import Order, OrderEvent
from twap_server.domain.orders.proof import ProofRecord
from twap_server.domain.orders.record import OrderRecord


class _Records(Protocol):
    async def detail(self, user_id: str, token_id: str) -> OrderRecord | None: ...

    def told_to(self, user_id: str) -> Sequence[OrderEvent]: ...

    def orders_of(self, user_id: str) -> list[Order]: ...


class MemoryProofs:
    """Of orders that share no level with others."""

    def __init__(self, records: _Records) -> None:
        self._records = records

    async def proof(self, user_id: str, token_id: str, *, memory: int) -> ProofRecord | None:
        record = await self._records.detail(user_id, token_id)
        if record is None:
            return None
        told = [one for one in self._records.told_to(user_id) if one.order.terms == record.order.terms]
        return ProofRecord(
            record=record,
            begins={
                one.order.plan.revision: one.order.progress.next_slice
                for one in told
                if one.type is OrderEventType.AMENDED
            },
            seqs={one.slice.index: one.seq for one in told if one.slice is not None},
            taken=(),
        )
