"""The bytes of a body as they arrive: compression undone, every kind of early end noticed."""

from __future__ import annotations

import http.client
import zlib
from collections.abc import Iterator

import requests
import urllib3

from blin_pipeline.redcap.client.connections import Deadline
from blin_pipeline.redcap.faults import RedcapReadError

_CHUNK = 1 << 18
#: A refusal's body is read this far to find REDCap's sentence in it.
_REFUSAL_BYTES = 1 << 16


def read_body(response: requests.Response, endpoint: str, deadline: Deadline) -> Iterator[bytes]:
    """Pieces of a body with compression undone; every kind of early end is ``E_TRUNCATED``.

    A body shorter than its Content-Length is urllib3's to notice, a zip stream that breaks off is ours.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise RedcapReadError("E_ENCODING", endpoint)
    zipped = encoding in {"gzip", "x-gzip"}
    unzip = zlib.decompressobj(wbits=31)
    received = 0
    for piece in _wire(response, endpoint, deadline):
        received += len(piece)
        if not zipped:
            yield piece
            continue
        try:
            plain = unzip.decompress(piece)
        except zlib.error:
            raise RedcapReadError("E_TRUNCATED", endpoint) from None
        if plain:
            yield plain
    if zipped and received and not unzip.eof:
        raise RedcapReadError("E_TRUNCATED", endpoint)


def beginning_of_body(response: requests.Response, endpoint: str, deadline: Deadline) -> bytes:
    """The first bytes of a refusal; what breaks off is as good as nothing."""
    found = bytearray()
    try:
        for piece in read_body(response, endpoint, deadline):
            found += piece
            if len(found) >= _REFUSAL_BYTES:
                break
    except RedcapReadError:
        return bytes(found)
    return bytes(found)


def _wire(response: requests.Response, endpoint: str, deadline: Deadline) -> Iterator[bytes]:
    """Pieces as they arrive."""
    while True:
        code = ""
        piece = b""
        try:
            piece = response.raw.read1(_CHUNK, decode_content=False)
        except urllib3.exceptions.ReadTimeoutError:
            code = "E_TIMEOUT"
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError):
            code = "E_TRUNCATED"
        if deadline.passed:
            raise RedcapReadError("E_DEADLINE", endpoint)
        if code:
            raise RedcapReadError(code, endpoint)
        if not piece:
            return
        yield piece
