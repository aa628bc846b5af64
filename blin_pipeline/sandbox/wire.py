"""The socket below HTTP: what a well-behaved server library will not do, a broken server must be able to do.

Gives the ASGI side its connection's transport, so that a fault can write raw bytes, end a body early or reset.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable

from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int]
Transports = dict[Peer, asyncio.Transport]
Headers = Iterable[tuple[bytes, bytes]]


def recording_protocol(transports: Transports) -> type[H11Protocol]:
    """A uvicorn protocol class that keeps ``transports`` (client address -> transport) up to date."""

    class RecordingProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client is not None:
                transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                transports.pop(self.client, None)
            super().connection_lost(exc)

    return RecordingProtocol


def reset(transport: asyncio.Transport) -> None:
    """Drop the connection with a TCP reset instead of an orderly end."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def raw_answer(status: int, headers: Headers, body: bytes) -> bytes:
    """A whole HTTP/1.1 answer as bytes, headers exactly as given."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return b"HTTP/1.1 %d Sandbox\r\n" % status + lines + b"Connection: close\r\n\r\n" + body


def chunk(body: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n" % len(body) + body + b"\r\n"
