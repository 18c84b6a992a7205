"""A process that plays Binance to one receiver: prebuilt frames, as fast as the socket takes them.

It sends on one core so that the receiver has the other to itself. ``/plain`` gets the frames after the
handshake; ``/stream`` first answers the subscriptions and waits until the REST snapshot was fetched, as the
exchange's order of things demands, and ends with the exchange's notice of a shutdown: then all is there.
"""

import json
import multiprocessing
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.server import ServerProtocol

from benchmarks.harness.machine import pin
from benchmarks.harness.synthetic import Stream

_PATIENCE_S = 20.0
_END = '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1700000000000}}'


@contextmanager
def sending(found: Stream, *, core: int) -> Iterator[int]:
    """Serve in a process of its own until the block ends; gives the port."""
    context = multiprocessing.get_context("fork")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = context.Process(target=_serve, args=(listening, found, core), daemon=True)
        process.start()
        try:
            yield listening.getsockname()[1]
        finally:
            process.terminate()
            process.join()


def _serve(listening: socket.socket, found: Stream, core: int) -> None:
    pin(core)
    frames = b"".join(map(_frame, found.messages))
    fetched = threading.Semaphore(0)
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(_PATIENCE_S)
        threading.Thread(
            target=_answer, args=(connection, found.snapshot, frames, fetched), daemon=True
        ).start()


def _answer(connection: socket.socket, snapshot: str, frames: bytes, fetched: threading.Semaphore) -> None:
    with connection:
        head = connection.recv(65_536)
        try:
            if b"/api/v3/depth" in head:
                _answer_rest(connection, snapshot.encode())
                fetched.release()
            else:
                _answer_socket(connection, head, frames, fetched)
        except OSError:
            return  # the receiver has what it wanted


def _answer_rest(connection: socket.socket, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)


def _answer_socket(
    connection: socket.socket, head: bytes, frames: bytes, fetched: threading.Semaphore
) -> None:
    protocol = ServerProtocol()
    protocol.receive_data(head)
    request = next(event for event in protocol.events_received() if isinstance(event, Request))
    protocol.send_response(protocol.accept(request))
    if protocol.handshake_exc is not None:
        raise InvalidHandshake(str(protocol.handshake_exc))
    connection.sendall(b"".join(protocol.data_to_send()))
    if request.path == "/stream":
        _acknowledge(connection, protocol)
        fetched.acquire(timeout=_PATIENCE_S)
        connection.sendall(frames + _frame(_END))
    else:
        connection.sendall(frames)
    connection.recv(65_536)


def _acknowledge(connection: socket.socket, protocol: ServerProtocol) -> None:
    """Answer requests until one for the book has come."""
    while True:
        protocol.receive_data(connection.recv(65_536))
        asked = [json.loads(event.data) for event in protocol.events_received() if isinstance(event, Frame)]
        for request in asked:
            connection.sendall(_frame(f'{{"result":null,"id":{request["id"]}}}'))
        if any(_is_book(request["params"]) for request in asked):
            return


def _is_book(params: Sequence[str]) -> bool:
    return any("@depth" in name for name in params)


def _frame(text: str) -> bytes:
    payload = text.encode()
    size = len(payload)
    head = bytes((0x81, size)) if size < 126 else bytes((0x81, 126)) + size.to_bytes(2, "big")
    return head + payload
