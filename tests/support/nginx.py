"""A real nginx as an ordinary process, with its own folder, from the configuration of the docs."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx") or ""
WHY_NOT = "" if NGINX else "no nginx: install the package nginx-light"
_WHOLE = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    {temporary}
    include {folder}/twap.conf;
}}
"""
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@asynccontextmanager
async def running(folder: Path, conf: str, changed: Mapping[str, str]) -> AsyncIterator[None]:
    """Run nginx with a configuration of ``http`` until the block ends.

    Args:
        folder: for all its files.
        conf: as the docs have it.
        changed: what stands there, once, and what stands there here: ports, names, files.
    """
    for found, instead in changed.items():
        assert found in conf, found
        conf = conf.replace(found, instead)
    (folder / "twap.conf").write_text(conf)
    temporary = "\n    ".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_WHOLE.format(folder=folder, temporary=temporary, user=user))
    with (folder / "nginx.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr", stderr=log
        )
    try:
        async with asyncio.timeout(20):
            while not (folder / "nginx.pid").exists():
                assert process.returncode is None, (folder / "nginx.log").read_text()
                await asyncio.sleep(0.02)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
