"""Write a failure down so that another node raises the same: its class, its words, what it names.

Only classes of this list cross. What else a node of another release names becomes "try again later", with
the words that came along.
"""

from decimal import Decimal
from typing import Final, Self

from msgspec import UNSET, Struct, UnsetType

from twap_server.domain import errors
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import TwapError, UnavailableError

_CROSSING: Final = {
    kind.__name__: kind
    for kind in (
        errors.InvalidRequest,
        errors.UnknownExchange,
        errors.UnknownSymbol,
        errors.OrderNotFound,
        errors.OrderNotOpen,
        errors.RevisionMismatch,
        errors.RevisionMissing,
        errors.Conflict,
        errors.UnavailableError,
        errors.BookUnavailable,
        errors.EngineBusy,
        errors.ExchangeUnavailable,
        errors.CurveUnavailable,
        errors.Throttled,
        errors.ExchangeRefuses,
        errors.StoreUnavailable,
        errors.CommitInDoubt,
        errors.StoreConflict,
    )
}


class Failure(Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Why something was not done; fields that a class does not have are left out."""

    kind: str
    words: str
    field: str | UnsetType = UNSET
    nearest: Decimal | UnsetType | None = UNSET
    retry_after: int | UnsetType = UNSET
    until: Nanos | UnsetType | None = UNSET
    why: str | UnsetType = UNSET
    """What an exchange said that refuses us."""

    @classmethod
    def of(cls, error: TwapError) -> Self:
        """As it crosses."""
        return cls(
            kind=type(error).__name__,
            words=str(error),
            field=getattr(error, "field", UNSET),
            nearest=getattr(error, "nearest", UNSET),
            retry_after=getattr(error, "retry_after", UNSET),
            until=getattr(error, "until", UNSET),
            why=getattr(error, "words", UNSET),
        )

    def read(self) -> TwapError:
        """As it was."""
        kind = _CROSSING.get(self.kind)
        if kind is None:
            return UnavailableError(self.words)
        made: TwapError = kind.__new__(kind, self.words)  # its own words: no constructor writes them again
        named = {
            "field": self.field,
            "nearest": self.nearest,
            "retry_after": self.retry_after,
            "until": self.until,
            "words": self.why,
        }
        for name, value in named.items():
            if value is not UNSET:
                setattr(made, name, value)
        return made
