"""One guard, and the tests that must notice when it is gone."""

from dataclasses import dataclass

SERVER = "packages/twap-server/src/twap_server/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bite:
    """A change for the worse to one file of the packages."""

    fault: str
    """The case of the fault catalogue it belongs to, such as ``F19``."""
    guard: str
    """What the guard is for, in words."""
    file: str
    """Below the server's sources, or a path from the project's root that begins with ``packages/``."""
    line: str
    """The guard as it stands; must be there exactly once."""
    instead: str
    """What stands there without it."""
    tests: tuple[str, ...]
    """Node ids, relative to ``tests``: at least one of their tests must fail."""

    @property
    def path(self) -> str:
        """The file, from the project's root."""
        return self.file if self.file.startswith("packages/") else SERVER + self.file
