"""Write files that survive a power cut."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are safe on the disk.

    Windows cannot open a folder, and keeps names by itself: nothing is done there.

    Raises:
        OSError: it cannot be opened, or the disk failed.
    """
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
