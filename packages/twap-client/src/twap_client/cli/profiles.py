"""Keep the servers that one person works with under names, in ``profiles.toml`` beside the sign-ins.

::

    use = "desk"

    [profile.desk]
    server = "https://desk.example"
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from twap_client.cli.credentials import config_dir
from twap_client.cli.private_file import locked, replace_text
from twap_client.errors import InvalidSetting, UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """What the file says: servers by name, and the one in use, if any."""

    servers: Mapping[str, str]
    used: str = ""

    def server(self, name: str) -> str:
        """Give a profile's server.

        Raises:
            UsageError: there is no such profile; the message names those there are.
        """
        if name not in self.servers:
            there = ", ".join(self.servers) or "none: `twap profile add NAME URL` makes one"
            raise UsageError(f"no profile {name[:40]!r}; there are: {there}")
        return self.servers[name]


def checked_name(name: str) -> str:
    """Take a name that can be one.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"a profile's name: expected up to 32 letters, digits and . _ -, got {name[:40]!r}")
    return name


def load() -> Profiles:
    """Read the file; without one there are no profiles.

    Raises:
        InvalidSetting: it is there and cannot be read.
    """
    try:
        text = _path().read_text("utf-8")
    except FileNotFoundError:
        return Profiles(servers={})
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"{_path()} cannot be read: {error}") from None
    try:
        return _read(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise InvalidSetting(f"{_path()} cannot be read ({error}): correct it, or remove it") from None


def save(profiles: Profiles) -> None:
    """Write the file anew; remarks in it are not kept.

    Raises:
        InvalidSetting: there is no folder to write to.
    """
    lines = [f"use = {json.dumps(profiles.used)}\n"] if profiles.used else []
    for name, server in profiles.servers.items():
        lines.append(f'\n[profile."{name}"]\nserver = {json.dumps(server)}\n')
    folder = config_dir()
    try:
        with locked(folder):
            replace_text(_path(), "".join(lines).lstrip())
    except OSError as error:
        raise InvalidSetting(f"profiles cannot be kept in {folder}: {error.strerror or error}") from None


def with_server(profiles: Profiles, name: str, server: str, *, use: bool) -> Profiles:
    """Add a profile, or give one that is there another server."""
    servers = {**profiles.servers, checked_name(name): server}
    return replace(profiles, servers=servers, used=name if use else profiles.used)


def without(profiles: Profiles, name: str) -> Profiles:
    """Take a profile away; one that was in use is so no more.

    Raises:
        UsageError: there is no such profile.
    """
    profiles.server(name)
    servers = {other: server for other, server in profiles.servers.items() if other != name}
    return replace(profiles, servers=servers, used="" if profiles.used == name else profiles.used)


def _path() -> Path:
    return config_dir() / "profiles.toml"


def _read(content: Mapping[str, object]) -> Profiles:
    servers: dict[str, str] = {}
    tables, used = content.get("profile", {}), content.get("use", "")
    for name, table in tables.items() if isinstance(tables, dict) else ():
        server = table.get("server") if isinstance(table, dict) else None
        if not isinstance(server, str):
            raise TypeError(f"profile {name!r} has no server")
        servers[name] = server
    return Profiles(servers=servers, used=used if isinstance(used, str) else "")
