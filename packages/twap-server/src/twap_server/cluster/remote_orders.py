"""Be the engine for a gateway: ask the owner of the user's partition, and ask again until there is one.

Whoever gives no answer may have done what was asked for. So nothing is asked that could be done twice, and
what the first try did is recognised:

- A submission names the ids of its orders. One that comes back as a repeat under that very id is our own
  first try, and new to the client: the id is recorded with the order, whoever owns the partition then.
- A cancellation, pause, resumption or amendment that comes back as "not open" (or "another revision") after a
  try without an answer looks for its own event among the order's last ones.
- An amendment of whatever revision is asked again for the revision that the order has then.

Only for these two the order's last events are read, not while nobody answers.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from twap_models.enums import OrderEventType, OrderStatus, Side
from twap_server.api.ports import EventReader
from twap_server.cluster.coding import decode, encode
from twap_server.cluster.failures import Failure
from twap_server.cluster.messenger import Messenger, NoAnswer
from twap_server.cluster.order_questions import (
    Amend,
    Answer,
    AskPreview,
    AskTaken,
    Cancel,
    Changed,
    Pause,
    Previewed,
    Question,
    Resume,
    Submit,
    Submitted,
    TakenLevels,
)
from twap_server.cluster.own_levels import OwnLevels
from twap_server.cluster.questions import ask, new_question_id
from twap_server.cluster.subjects import Subjects
from twap_server.domain.clock import SECOND, Clock
from twap_server.domain.errors import OrderNotOpen, RevisionMismatch, TwapError, UnavailableError
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.amendment import is_made
from twap_server.domain.orders.order import Order, OrderEvent
from twap_server.domain.orders.record import EventRange
from twap_server.domain.orders.terms import Amendment, OrderRequest
from twap_server.domain.ownership import partition_of
from twap_server.engine.entry.preview import Preview
from twap_server.engine.entry.results import SubmitResult, SubmitResultKind

_PATIENCE: Final = 5 * SECOND
"""Without a sign of an owner."""
_AT_MOST: Final = 60 * SECOND
"""However long an owner is at work: longer nobody waits for an answer."""
_AGAIN_S: Final = 0.1
_CLOCKS: Final = 2 * SECOND
"""By more than this the clocks of two nodes never differ."""
_LAST_EVENTS: Final = 100
_MAY_BE_OURS: Final = (OrderNotOpen, RevisionMismatch)
"""What a change comes to where it was made before."""
_ANSWER: Any = Answer
_T = TypeVar("_T")


class RemoteOrders:
    """Implements ``api.ports.Orders``. Run ``run()`` beside it, for what users took of books."""

    def __init__(
        self,
        *,
        messenger: Messenger,
        subjects: Subjects,
        records: EventReader,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        """Args: records: what is recorded; new_id gives a fresh order id, unique for ever."""
        self._messenger, self._subjects, self._records = messenger, subjects, records
        self._clock, self._new_id = clock, new_id
        self._own = OwnLevels(self._ask_taken, clock)

    async def run(self) -> None:
        """Keep what users took of the books that they look at, until cancelled."""
        await self._own.run()

    async def submit(self, user_id: str, requests: Sequence[OrderRequest]) -> list[SubmitResult]:
        """See ``Engine.submit``."""
        named = [replace(one, order_id=self._new_id()) for one in requests]
        begun = self._clock.now()

        def refuse_late() -> None:
            if any(begun < one.end <= self._clock.now() for one in requests):
                raise UnavailableError(
                    "nobody answered before the end of the order; it may be taken up or not: look it up",
                    retry_after=1,
                )

        answer = await self._until_answered(Submit(user_id, named), before_again=refuse_late)
        results = _expected(answer, Submitted).results
        return [_ours_is_new(one.read(), asked) for one, asked in zip(results, named, strict=True)]

    async def preview(
        self, user_id: str, requests: Sequence[OrderRequest], *, compare: bool = False
    ) -> list[Preview]:
        """See ``Engine.preview``."""
        answer = await self._until_answered(AskPreview(user_id, requests, compare))
        return [one.read(user_id) for one in _expected(answer, Previewed).previews]

    async def cancel(self, user_id: str, token_id: str) -> Order:
        """See ``Engine.cancel``."""

        def is_ours(event: OrderEvent) -> bool:
            return event.order.status is OrderStatus.CANCELED

        return await self._change(Cancel(user_id, token_id), is_ours)

    async def pause(self, user_id: str, token_id: str) -> Order:
        """See ``Engine.pause``."""
        return await self._change(
            Pause(user_id, token_id),
            lambda one: one.type is OrderEventType.PAUSED,
            undoes=lambda one: one.type is OrderEventType.RESUMED,
        )

    async def resume(self, user_id: str, token_id: str) -> Order:
        """See ``Engine.resume``."""
        return await self._change(
            Resume(user_id, token_id),
            lambda one: one.type is OrderEventType.RESUMED,
            undoes=lambda one: one.type is OrderEventType.PAUSED,
        )

    async def amend(
        self, user_id: str, token_id: str, wanted: Amendment, *, revision: int | None = None
    ) -> Order:
        """See ``Engine.amend``."""

        def is_ours(event: OrderEvent) -> bool:
            of_plan = event.type is OrderEventType.AMENDED and is_made(event.order, wanted)
            return of_plan and revision in (None, event.order.plan.revision - 1)

        def undoes(event: OrderEvent) -> bool:
            return event.type is OrderEventType.AMENDED and revision is None

        return await self._change(Amend(user_id, token_id, wanted, revision), is_ours, undoes=undoes)

    async def look(self, user_id: str, instruments: Collection[InstrumentId]) -> None:
        """See ``OwnImpact``."""
        await self._own.look(user_id, instruments)

    def own_taken(
        self, user_id: str, instrument: InstrumentId, side: Side, prices: Iterable[Decimal]
    ) -> Mapping[Decimal, Decimal]:
        """See ``OwnImpact``."""
        return self._own.taken(user_id, instrument, side, prices)

    async def _change(
        self,
        question: Cancel | Pause | Resume | Amend,
        is_ours: Callable[[OrderEvent], bool],
        *,
        undoes: Callable[[OrderEvent], bool] = lambda _: False,
    ) -> Order:
        """Ask until there is an answer; a change that our own try without an answer made is made.

        One that looks like ours and was undone since may be of before: then it is asked for again.
        """
        since, tries = self._clock.now() - _CLOCKS, _Tries(self._clock)
        takes_any = isinstance(question, Amend) and question.revision is None
        while True:
            answer = await self._answer_or_none(question, tries)
            if isinstance(answer, Changed):
                return answer.order.read()
            error = None if answer is None else _failure(answer)
            if error is not None and not (tries.have_failed and isinstance(error, _MAY_BE_OURS)):
                raise error
            if error is None and not (isinstance(question, Amend) and question.revision is None):
                continue  # whoever answers knows whether it is done
            events = await self._last_events(question.user_id, question.token_id)
            ours = _newest(events, since, is_ours, undoes)
            if ours is not None:
                return ours.order
            if error is not None and (isinstance(error, OrderNotOpen) or not takes_any):
                raise error
            if isinstance(question, Amend) and takes_any and events:
                question = _for_revision(question, events[-1].order.plan.revision)
                tries.ask_another()

    async def _last_events(self, user_id: str, token_id: str) -> Sequence[OrderEvent]:
        wanted = EventRange(latest=True)
        return await self._records.events_of(user_id, token_id, wanted, limit=_LAST_EVENTS) or ()

    async def _until_answered(
        self, question: Submit | AskPreview, *, before_again: Callable[[], None] = lambda: None
    ) -> Answer:
        tries = _Tries(self._clock)
        while (answer := await self._answer_or_none(question, tries)) is None:
            before_again()
        return answer

    async def _answer_or_none(
        self, question: Submit | AskPreview | Cancel | Pause | Resume | Amend, tries: "_Tries"
    ) -> Answer | None:
        """None where nobody answered: it may be done or not. Asking again is in order then.

        Raises:
            UnavailableError: nobody answered for so long that the client has to know; it may be done.
        """
        subject = self._subjects.commands(partition_of(question.user_id))
        try:
            return await self._asked(subject, question, tries.question_id, tries.note_sign)
        except NoAnswer:
            await tries.wait()
            return None

    async def _ask_taken(self, partition: int, wanted: AskTaken) -> TakenLevels:
        """Ask once.

        Raises:
            NoAnswer, UnavailableError: it cannot be known now.
        """
        subject = self._subjects.commands(partition)
        return _expected(await self._asked(subject, wanted, new_question_id(), lambda: None), TakenLevels)

    async def _asked(
        self, subject: str, question: Question, question_id: str, on_sign: Callable[[], None]
    ) -> Answer:
        body = await ask(self._messenger, subject, question_id, encode(question), on_sign=on_sign)
        answer: Answer = decode(body, _ANSWER)
        return answer


class _Tries:
    """How often one thing was asked, and how long it may go on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begin = self._sign = clock.monotonic()
        self.have_failed = False
        """Whether one ended without an answer."""
        self.question_id = new_question_id()

    def note_sign(self) -> None:
        """Somebody is there.

        Raises:
            NoAnswer: and is at work for too long.
        """
        self._sign = self._clock.monotonic()
        if self._sign - self._begin >= _AT_MOST:
            raise NoAnswer("another part of the server is at work for too long", retry_after=2)

    def ask_another(self) -> None:
        """Another question is asked from now on."""
        self.question_id = new_question_id()

    async def wait(self) -> None:
        """Wait until it may be asked again.

        Raises:
            UnavailableError: that was often enough. Not ``EngineBusy``: that would say that nothing was done.
        """
        self.have_failed, now = True, self._clock.monotonic()
        if now - self._sign >= _PATIENCE or now - self._begin >= _AT_MOST:
            raise UnavailableError(
                "the part of the server that works your orders does not answer; it may have done it or not: "
                "send the same again",
                retry_after=2,
            )
        await self._clock.sleep(_AGAIN_S)


def _ours_is_new(result: SubmitResult, asked: OrderRequest) -> SubmitResult:
    """An order that was there already, under the id that nobody but this question chose, is new."""
    if result.kind is SubmitResultKind.REPEAT and result.order.terms.order_id == asked.order_id:
        return replace(result, kind=SubmitResultKind.NEW)
    return result


def _newest(
    events: Sequence[OrderEvent],
    since: int,
    is_ours: Callable[[OrderEvent], bool],
    undoes: Callable[[OrderEvent], bool],
) -> OrderEvent | None:
    for event in reversed(events):
        if event.time < since:
            return None
        if is_ours(event):
            return event
        if undoes(event):
            return None
    return None


def _for_revision(question: Amend, revision: int) -> Amend:
    return Amend(question.user_id, question.token_id, question.wanted, revision)


def _expected(answer: Answer, kind: type[_T]) -> _T:
    """The answer, if it is of this kind.

    Raises:
        TwapError: it is a failure.
    """
    if isinstance(answer, kind):
        return answer
    raise _failure(answer)


def _failure(answer: Answer) -> TwapError:
    if isinstance(answer, Failure):
        return answer.read()
    return UnavailableError("a node answered what it was not asked: replace nodes one release at a time")
