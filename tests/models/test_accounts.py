"""What is shown once, or never, is not shown by ``repr``: neither in a log nor in a debugger."""

import pytest

from twap_models import accounts
from twap_models.base import WireModel

SECRET = "s" * 43
_MADE = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "model",
    [
        accounts.Credentials.model_validate({"username": "ada", "password": SECRET, "invite": SECRET}),
        accounts.PasswordChange.model_validate({"current_password": SECRET, "new_password": SECRET}),
        accounts.AccessToken(access_token=SECRET, expires_in=900, refresh_token=SECRET),
        accounts.RefreshRequest(refresh_token=SECRET),
        accounts.OidcCode(code=SECRET, code_verifier=SECRET),
        accounts.NewInvite.model_validate(
            {"invite_id": "1", "created": _MADE, "expires": _MADE, "invite": SECRET}
        ),
        accounts.NewApiKey.model_validate({"key_id": "1", "name": "bot", "created": _MADE, "key": SECRET}),
    ],
    ids=lambda model: type(model).__name__,
)
def test_no_secret_is_in_a_repr(model: WireModel) -> None:
    assert SECRET not in repr(model) and SECRET not in str(model)
