"""Find the folders of exchanges in the folder given to ``--record``, and those of them that are played."""

from collections.abc import Sequence
from pathlib import Path

from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.frames import frames, is_over_rest
from twap_server.recordings.manifest import ENDING


def folders_of(folder: Path) -> list[Path]:
    """The folders of exchanges in a folder, or itself where it is one.

    Raises:
        InvalidRequest: there is no recording.
    """
    if any(folder.glob(f"*{ENDING}")):
        return [folder]
    found = sorted({one.parent for one in folder.glob(f"*/*{ENDING}")})
    if not found:
        raise InvalidRequest(
            f"{folder} holds no recording: no file *{ENDING} in it or one level below", field="RECORDING"
        )
    return found


def played_parts(path: Path) -> Sequence[Path]:
    """What is played of a recording: a file, a folder of one exchange, or those that ``--record`` made.

    Of the latter those are left out of which nobody asked for a book: they hold a list of instruments alone.

    Raises:
        InvalidRequest: there is no recording, or one cannot be read.
    """
    if not path.is_dir():
        return [path]
    every = folders_of(path)
    return every if every == [path] else [one for one in every if _has_messages(one)] or every


def _has_messages(folder: Path) -> bool:
    return any(not is_over_rest(conn) for *_, conn in frames(folder, boundaries=True))
