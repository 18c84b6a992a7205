"""Create the first administrator at the start, if there is no account and the settings name one."""

import logging

from twap_models.enums import RegistrationMode
from twap_server.api.auth.accounts_port import Users
from twap_server.api.auth.registration import Registration
from twap_server.api.config import ApiConfig
from twap_server.domain.errors import UsernameTaken

log = logging.getLogger(__name__)

HOW_TO = (
    "there is no account, and registration is %s: make one with `twap-server user add NAME --admin`, "
    "or set api.first_user and api.first_user_password"
)


async def make_first_user(config: ApiConfig, users: Users, registration: Registration) -> None:
    """Make ``api.first_user`` if there is no account at all; say what to do where nobody can come in."""
    is_shut = config.registration is not RegistrationMode.OPEN
    if (config.first_user is None and not is_shut) or await users.has_users():
        return
    if config.first_user is None or config.first_user_password is None:
        log.warning(HOW_TO, config.registration.value)
        return
    password = config.first_user_password.get_secret_value()
    try:
        await registration.create(config.first_user, password, is_admin=True)
    except UsernameTaken:
        return
    log.info("created the first account, %s: an administrator", config.first_user)
