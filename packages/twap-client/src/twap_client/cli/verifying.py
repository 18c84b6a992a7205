"""Carry out verify: ask the server what an order is proven by, let ``twap-server verify`` recompute it."""

import asyncio
import sys
import tempfile
from importlib.util import find_spec
from os.path import exists  # of any text: a name may be too long for a Path
from pathlib import Path

from twap_client.cli.report import UnwritableFile
from twap_client.cli.session import Session
from twap_client.errors import UsageError
from twap_models.installing import from_a_checkout

_SERVER = "twap_server"


async def verify(
    session: Session, token: str, *, recording: Path | None, save: Path | None, config: Path | None
) -> int:
    """Fetch the proof, keep it where that is wanted, and verify it; gives the exit code of the verification.

    Raises:
        UsageError: there is nothing to do, or what recomputes is not installed here.
        UnwritableFile: the proof cannot be kept.
    """
    if recording is None and save is None:
        raise UsageError(
            "give --recording FOLDER, what the server keeps with start --record; or --save FILE, to verify "
            "it elsewhere with twap-server verify FILE --recording FOLDER"
        )
    _see_that_it_is_there("--recording", recording)
    _see_that_it_is_there("--config", config)
    if recording is not None and find_spec(_SERVER) is None:
        raise UsageError(
            "twap-server is not installed in this environment, and it recomputes orders: "
            f"{from_a_checkout('server')}; or `twap verify TOKEN --save FILE` here, and `twap-server verify "
            "FILE --recording FOLDER` where it is"
        )
    proof = (await session.client.orders.proof(token)).to_json()
    if save is not None:
        _write(save, proof)
        session.say(f"wrote {save}")
    if recording is None:
        return 0
    with tempfile.TemporaryDirectory(prefix="twap-verify-") as folder:
        file = save or Path(folder) / "proof.json"
        if save is None:
            _write(file, proof)
        return await _recompute(file, recording, config)


def _see_that_it_is_there(option: str, path: Path | None) -> None:
    if path is not None and not exists(path):
        raise UsageError(f"{option}: {str(path)[:40]!r} is not there")


async def _recompute(proof: Path, recording: Path, config: Path | None) -> int:
    """Run the server's command, whose lines go where ours do."""
    chosen = [] if config is None else ["--config", str(config)]
    command = [sys.executable, "-m", _SERVER, "verify", str(proof), "--recording", str(recording), *chosen]
    process = await asyncio.create_subprocess_exec(*command)
    return await process.wait()


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UnwritableFile(f"{path} cannot be written: {error.strerror or error}") from error
