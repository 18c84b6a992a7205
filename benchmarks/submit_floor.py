"""What the same submission costs without this project: the least that others would need.

``python -m benchmarks.submit_floor PORT`` serves ``POST /orders`` with FastAPI, pydantic and a JWT check, and
stores nothing. ``sqlite_rows`` inserts rows with Python's sqlite3, one durable commit each, and nothing else.
"""

import secrets
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, Field

from benchmarks.harness.machine import pin

_KEY = OctKey.import_key(b"no secret: this server knows nothing")
_LONGEST_START_S = 20.0
_COLUMNS = ("order_id", "user_id", "token_id", "symbol", "side", "quantity", "price", "start", "slices")


class Order(BaseModel):
    """As much of an order as such a service would check."""

    token_id: str = Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")
    exchange: str = Field(max_length=32)
    symbol: str = Field(max_length=40)
    side: Literal["buy", "sell"]
    quantity: Decimal = Field(gt=0, max_digits=30)
    price: Decimal | None = Field(default=None, gt=0)
    start_time: str
    duration: str
    slices: int = Field(ge=1, le=100_000)


class Reply(BaseModel):
    """What it would answer."""

    token_id: str
    order_id: str
    status: str


def token() -> str:
    """An access token that the server takes."""
    return jwt.encode({"alg": "HS256"}, {"sub": "ada", "exp": 10_000_000_000}, _KEY)


@contextmanager
def serving(*, core: int) -> Iterator[int]:
    """Run the service in a process of its own; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.submit_floor", str(port), str(core)])
    try:
        deadline = time.monotonic() + _LONGEST_START_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the service without storage did not start")
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


def sqlite_rows(folder: Path, seconds: float) -> float:
    """Rows a second with ``synchronous=FULL`` and one commit each."""
    connection = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        f"CREATE TABLE orders ({', '.join(f'{name} TEXT' for name in _COLUMNS)}, PRIMARY KEY (order_id))"
    )
    statement = f"INSERT INTO orders VALUES ({', '.join('?' * len(_COLUMNS))})"
    rows, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        connection.execute(
            statement,
            (secrets.token_hex(16), "ada", f"r-{rows}", "BTC-USDT", "buy", "0.5", "61000.5", "0", "20"),
        )
        rows += 1
    found = rows / (time.perf_counter() - began)
    connection.close()
    return found


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _user(bearer: Annotated[str, Depends(OAuth2PasswordBearer("token"))]) -> str:
    try:
        return str(jwt.decode(bearer, _KEY, algorithms=["HS256"]).claims["sub"])
    except (JoseError, ValueError):
        raise HTTPException(401) from None


def _app() -> FastAPI:
    app = FastAPI()

    async def user(bearer: Annotated[str, Depends(OAuth2PasswordBearer("token"))]) -> str:
        return _user(bearer)

    @app.post("/orders", status_code=201)
    async def submit(order: Order, _: Annotated[str, Depends(user)]) -> list[Reply]:
        return [Reply(token_id=order.token_id, order_id=secrets.token_hex(16), status="Accepted")]

    return app


def _main() -> None:
    pin(int(sys.argv[2]))
    uvicorn.run(_app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")


if __name__ == "__main__":
    _main()
