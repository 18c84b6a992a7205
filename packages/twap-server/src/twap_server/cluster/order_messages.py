"""Write orders, and what is said of them, so that another node reads the same.

An order crosses without its schedule, which is drawn anew from its plan: the same comes of it.
"""

from dataclasses import replace
from typing import Self

from msgspec import Struct
from msgspec.structs import replace as with_fields

from twap_models.enums import OrderEventType
from twap_server.cluster.bounds import Count, Moment
from twap_server.domain.orders.curves import VolumeProfile
from twap_server.domain.orders.order import Fill, Order, OrderEvent, OrderProgress, SliceResult
from twap_server.domain.orders.schedule import schedule_of
from twap_server.domain.orders.terms import OrderTerms, Plan, seed_of
from twap_server.engine.entry.preview import Preview
from twap_server.engine.entry.results import SubmitResult, SubmitResultKind


class PlanMessage(Struct, frozen=True, gc=False):
    """A plan; the weights of its curve are text, for they may be larger than any number of msgpack."""

    plan: Plan
    weights: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """As it crosses."""
        if not isinstance(plan.curve, VolumeProfile):
            return cls(plan)
        without = with_fields(plan.curve, weights=())
        return cls(replace(plan, curve=without), tuple(map(str, plan.curve.weights)))

    def read(self) -> Plan:
        """As it was."""
        if not isinstance(self.plan.curve, VolumeProfile):
            return self.plan
        return replace(self.plan, curve=with_fields(self.plan.curve, weights=tuple(map(int, self.weights))))


class OrderMessage(Struct, frozen=True, gc=False):
    """An order."""

    terms: OrderTerms
    plan: PlanMessage
    progress: OrderProgress

    @classmethod
    def of(cls, order: Order) -> Self:
        """As it crosses."""
        return cls(order.terms, PlanMessage.of(order.plan), order.progress)

    def read(self) -> Order:
        """As it was."""
        return Order(terms=self.terms, plan=self.plan.read(), progress=self.progress)


class EventMessage(Struct, frozen=True, gc=False):
    """An event of an order."""

    seq: Count
    type: OrderEventType
    time: Moment
    order: OrderMessage
    slice: SliceResult | None
    fills: tuple[Fill, ...]

    @classmethod
    def of(cls, event: OrderEvent) -> Self:
        """As it crosses."""
        return cls(event.seq, event.type, event.time, OrderMessage.of(event.order), event.slice, event.fills)

    def read(self) -> OrderEvent:
        """As it was."""
        return OrderEvent(
            seq=self.seq,
            type=self.type,
            time=self.time,
            order=self.order.read(),
            slice=self.slice,
            fills=self.fills,
        )


class ResultMessage(Struct, frozen=True, gc=False):
    """What became of one request."""

    order: OrderMessage
    kind: SubmitResultKind

    @classmethod
    def of(cls, result: SubmitResult) -> Self:
        """As it crosses."""
        return cls(OrderMessage.of(result.order), result.kind)

    def read(self) -> SubmitResult:
        """As it was."""
        return SubmitResult(order=self.order.read(), kind=self.kind)


class PreviewMessage(Struct, frozen=True, gc=False):
    """What would become of one request."""

    preview: Preview
    """Without plan and schedule."""
    plan: PlanMessage | None

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """As it crosses."""
        plan = None if preview.plan is None else PlanMessage.of(preview.plan)
        return cls(replace(preview, plan=None, schedule=None), plan)

    def read(self, user_id: str) -> Preview:
        """As it was, for the user who asked."""
        made = self.preview
        if self.plan is None or made.rules is None:
            return made
        plan = self.plan.read()
        schedule = schedule_of(
            plan,
            lot_size=made.rules.lot_size,
            randomize=made.request.randomize,
            seed=seed_of(user_id, made.request.token_id),
        )
        return replace(made, plan=plan, schedule=schedule)
