"""Hash with argon2id through pwdlib, but do not report a lack of memory as a wrong password.

pwdlib calls every failed check a wrong password; where the machine has no room for the check, the right one
would be refused, and counted against its owner.
"""

from typing import NoReturn

from argon2.exceptions import Argon2Error, InvalidHashError, VerificationError
from argon2.low_level import error_to_str
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from twap_server.domain.errors import EngineBusy

_NO_ROOM = frozenset(error_to_str(code) for code in (-22, -33))
"""argon2's own words for memory and threads that it did not get; its exceptions say nothing else."""
_WAIT_S = 2


def password_hash(*, passes: int, memory_kib: int, lanes: int) -> PasswordHash:
    """Hash and verify at this cost; both raise EngineBusy where there is no room for it."""
    return PasswordHash([_Argon2id(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)])


class _Argon2id(Argon2Hasher):
    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        try:
            return super().hash(password, salt=salt)
        except (Argon2Error, MemoryError, RuntimeError) as error:
            _refuse(error)

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, MemoryError, RuntimeError) as error:
            if isinstance(error, VerificationError) and str(error) not in _NO_ROOM:
                return False
            _refuse(error)
        except InvalidHashError:
            return False


def _refuse(error: Exception) -> NoReturn:
    """Say that there is no room now."""
    raise EngineBusy(
        "no memory for a password check at the moment: try again", retry_after=_WAIT_S
    ) from error
