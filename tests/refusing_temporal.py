"""A server that answers every call of a Temporal client with one status, as a proxy might.

Just enough of HTTP/2 for that: its answers are a header block and nothing else.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from temporalio.service import RPCStatusCode

PREFACE_BYTES, HEAD_BYTES = 24, 9
HEADERS, SETTINGS = 1, 4
ACKNOWLEDGED, END_OF_STREAM_AND_HEADERS = 1, 5
STATUS_200 = b"\x88"


@contextmanager
def refusing_temporal(status: RPCStatusCode, message: str) -> Iterator[str]:
    """Its address, while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with suppress(OSError):  # the block is over
                while True:
                    connection, _ = listening.accept()
                    Thread(target=_answer, args=(connection, status, message), daemon=True).start()

        Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def _answer(connection: socket.socket, status: RPCStatusCode, message: str) -> None:
    refusal = STATUS_200 + b"".join(
        _header(name, value)
        for name, value in (
            ("content-type", "application/grpc"),
            ("grpc-status", str(status.value)),
            ("grpc-message", message),
        )
    )
    with connection, connection.makefile("rwb") as stream, suppress(OSError):
        stream.read(PREFACE_BYTES)
        stream.write(_frame(SETTINGS))
        stream.flush()
        while head := stream.read(HEAD_BYTES):
            kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
            stream.read(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACKNOWLEDGED:
                stream.write(_frame(SETTINGS, flags=ACKNOWLEDGED))
            if kind == HEADERS:
                stream.write(_frame(HEADERS, refusal, END_OF_STREAM_AND_HEADERS, number))
            stream.flush()


def _frame(kind: int, payload: bytes = b"", flags: int = 0, number: int = 0) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + number.to_bytes(4, "big")
    return head + payload


def _header(name: str, value: str) -> bytes:
    return b"\0" + b"".join(bytes([len(word)]) + word.encode() for word in (name, value))
