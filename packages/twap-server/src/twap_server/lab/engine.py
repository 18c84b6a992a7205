"""Say which engine a result is of: its version and a digest of its code, for no result may outlive that."""

import hashlib
from functools import cache
from pathlib import Path

import twap_models
import twap_server
from twap_models import __version__

_CODE = (".py", ".pyx")


@cache
def engine_version() -> str:
    """Such as ``0.1.0+3f9c0a51b2d4``: the same code gives the same on every machine."""
    digest = hashlib.sha256()
    for package in (twap_models, twap_server):
        root = Path(str(package.__file__)).parent
        for file in sorted(one for one in root.rglob("*") if one.suffix in _CODE):
            digest.update(file.relative_to(root).as_posix().encode())
            digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return f"{__version__}+{digest.hexdigest()[:12]}"
