"""Write files whole or not at all: beside their place first, and into it once all of them are written."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from twap_server.domain.errors import InvalidRequest


@contextmanager
def written_whole(folder: Path, *, field: str) -> Iterator[Path]:
    """Give an empty folder to write into; what is in it moves into ``folder`` when the block ends.

    A block that fails leaves nothing behind, and what was in ``folder`` as it was. Files of the same name are
    replaced.

    Args:
        folder: is made where it is not there.
        field: names the option that gave it.

    Raises:
        InvalidRequest: the folder cannot be made, or the disk does not take what is written.
    """
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as beside:
            yield Path(beside)
            for one in sorted(Path(beside).iterdir()):
                os.replace(one, folder / one.name)
    except BaseException as error:
        for one in new:
            with suppress(OSError):  # it is not empty, or not there
                one.rmdir()
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise InvalidRequest(f"cannot write into {folder}: {reason}", field=field) from None
        raise
