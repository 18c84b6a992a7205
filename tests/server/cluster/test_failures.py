"""cluster/failures.py: what an engine refuses, a gateway refuses in the same words."""

from decimal import Decimal

import pytest

from twap_server.cluster.coding import decode, encode
from twap_server.cluster.failures import Failure
from twap_server.domain import errors
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import TwapError, UnavailableError

UNTIL = Nanos(1_700_000_000_123_456_789)
ERRORS: list[TwapError] = [
    errors.InvalidRequest("too much", field="quantity", nearest=Decimal("0.10")),
    errors.InvalidRequest("in the past", field="end_time"),
    errors.UnknownExchange("no such exchange"),
    errors.UnknownSymbol("no such symbol: did you mean BTC-USDT?"),
    errors.OrderNotFound("you have no order 'x'"),
    errors.OrderNotOpen("it has already ended"),
    errors.RevisionMismatch("it is at revision 2"),
    errors.RevisionMissing("name a revision"),
    errors.Conflict("another body"),
    errors.UnavailableError("later", retry_after=3),
    errors.BookUnavailable("no book", retry_after=7),
    errors.EngineBusy("too much to do", retry_after=1),
    errors.ExchangeUnavailable("no list yet"),
    errors.CurveUnavailable("no candles", field="volume_profile"),
    errors.Throttled("slower", retry_after=60, until=UNTIL),
    errors.ExchangeRefuses("it bans us", retry_after=9, until=UNTIL),
    errors.StoreUnavailable("the disk is full"),
    errors.CommitInDoubt("recorded or not"),
    errors.StoreConflict("taken"),
]
OF_NO_ENGINE = {
    "RequestError", "AccessError",  # bases that nobody raises
    "TournamentNotFound", "UsernameTaken", "NotAuthenticated", "NotPermitted", "InviteRefused",
    "TooManyAttempts",
    "StoreTakenOver", "LeaseLost", "ClockAhead",  # told as "not the owner"
}  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_failure_is_the_same_on_the_other_side(error: TwapError) -> None:
    read = decode(encode(Failure.of(error)), Failure).read()
    assert type(read) is type(error)
    assert str(read) == str(error)
    assert vars(read) == vars(error)
    assert read.code is error.code


def test_one_of_another_release_becomes_try_again_later_with_its_words() -> None:
    read = Failure(kind="BookOnFire", words="it burns", retry_after=1).read()
    assert type(read) is UnavailableError
    assert str(read) == "it burns"
    assert read.retry_after == 5


def test_no_class_is_forgotten() -> None:
    known = {type(error).__name__ for error in ERRORS} | OF_NO_ENGINE
    assert {kind.__name__ for kind in _all(TwapError) if kind.__module__ == errors.__name__} == known


def _all(kind: type[TwapError]) -> set[type[TwapError]]:
    below = set(kind.__subclasses__())
    return below.union(*map(_all, below))
