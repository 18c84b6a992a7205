"""store/realism_texts.py: realism and what a slice saw when it was sent are read as they were written."""

from decimal import Decimal

import pytest

from support.changes import replace
from support.store.builders import LONG, T0, make_event, make_order, make_slice, with_terms
from support.stores.kinds import OrderStore
from twap_models.enums import FeeSource, ImpactModel, OrderEventType, RealismProfile
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.order import Sent
from twap_server.domain.orders.realism import IDEAL, PROFILES, Realism
from twap_server.domain.orders.write import OrderWrite
from twap_server.store.realism_texts import read_realism, read_sent, write_realism, write_sent

OWN = Realism(
    profile=RealismProfile.OWN,
    latency=1,
    latency_spread=1,
    impact=ImpactModel.LEVEL,
    half_life=3,
    fees=FeeSource.PUBLISHED,
)
SENT = Sent(time=Nanos(T0 + 7), latency=190_000_001, mid=LONG, touch=Decimal("64000.0060"))


@pytest.mark.parametrize("realism", [*PROFILES.values(), OWN], ids=lambda one: one.profile.value)
def test_realism_comes_back_with_its_figures(realism: Realism) -> None:
    assert read_realism(write_realism(realism)) == realism


def test_what_is_ideal_is_not_written() -> None:
    assert write_realism(IDEAL) is None
    assert write_realism(Realism()) is None


@pytest.mark.parametrize("sent", [SENT, Sent(time=Nanos(0), latency=0, mid=None, touch=None)])
def test_what_was_seen_comes_back_digit_for_digit(sent: Sent) -> None:
    again = read_sent(write_sent(sent))
    assert again == sent
    assert again is not None and str(again.touch) == str(sent.touch)


async def test_an_order_its_slices_and_its_events_keep_both(orders: OrderStore) -> None:
    order = with_terms(make_order(), realism=PROFILES[RealismProfile.ADVERSE])
    result = replace(make_slice(), sent=SENT)
    event = make_event(order, 1, OrderEventType.SLICE, result=result)
    await orders.commit([OrderWrite(order=order, is_new=True, slices=(result,), events=(event,))])
    record = await orders.detail("alice", order.terms.token_id)
    assert record is not None
    assert record.order.terms.realism == PROFILES[RealismProfile.ADVERSE]
    assert [one.sent for one in record.slices] == [SENT]
    (told,) = await orders.events("alice", 0, 10)
    assert told.slice is not None
    assert told.slice.sent == SENT
