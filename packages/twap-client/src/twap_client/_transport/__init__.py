"""Send HTTP: sign-in, timeouts, repeats, problem documents as exceptions."""

from twap_client._transport.calls import (
    Answer,
    Call,
    Timeout,
    check_encodable,
    in_doubt,
    read_model,
    seconds_of,
)
from twap_client._transport.elsewhere import OidcLogin, begin, code_of, finish
from twap_client._transport.sign_in import SignIn
from twap_client._transport.transport import Transport

__all__ = [
    "Answer",
    "Call",
    "OidcLogin",
    "SignIn",
    "Timeout",
    "Transport",
    "begin",
    "check_encodable",
    "code_of",
    "finish",
    "in_doubt",
    "read_model",
    "seconds_of",
]
