"""Decide which server a command talks to, and by whose sign-in.

The first that is given: ``--server`` or ``--profile``, TWAP_SERVER_URL, TWAP_PROFILE, the profile in use,
this machine. TWAP_API_KEY goes before a kept sign-in, but is never sent to a profile that was asked for by
name.
"""

import os
from dataclasses import dataclass, replace

from twap_client.cli import profiles, spoken
from twap_client.cli.credentials import CredentialFile
from twap_client.config import ClientConfig
from twap_client.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server, and the profile that named it, if one did."""

    config: ClientConfig
    profile: str = ""
    is_asked_for: bool = False
    """The profile, by its name in this command."""

    @property
    def store(self) -> CredentialFile | None:
        """Where the sign-in is kept; a key needs none."""
        if self.config.api_key:
            return None
        return CredentialFile(self.config.base_url, profile=self.profile)

    @property
    def login(self) -> str:
        """The command that signs in here."""
        return f"twap --profile {self.profile} login" if self.is_asked_for else "twap login"


def place(server: str | None, profile: str | None) -> Place:
    """Decide.

    Raises:
        UsageError: both are given, or there is no such profile.
        InvalidSetting: an address, a variable or the file of profiles cannot be read.
    """
    if server and profile:
        raise UsageError("give --server or --profile, not both")
    environment = dict(os.environ)
    in_environment = environment.pop("TWAP_SERVER_URL", "").strip()
    config = ClientConfig.from_env(environment, with_key=not profile)
    if profile:
        return _of_profile(config, profile, is_asked_for=True)
    if server or in_environment:
        return Place(config=_checked(config, server, in_environment))
    known = environment.get("TWAP_PROFILE", "").strip() or profiles.load().used
    return _of_profile(config, known) if known else Place(config=config)


def _checked(config: ClientConfig, server: str | None, in_environment: str) -> ClientConfig:
    if server:
        return replace(config, base_url=spoken.address(server))
    known = ClientConfig.from_env({"TWAP_SERVER_URL": spoken.address(in_environment)})
    return replace(config, base_url=known.base_url)


def _of_profile(config: ClientConfig, name: str, *, is_asked_for: bool = False) -> Place:
    url = spoken.address(profiles.load().server(name))
    return Place(config=replace(config, base_url=url), profile=name, is_asked_for=is_asked_for)
