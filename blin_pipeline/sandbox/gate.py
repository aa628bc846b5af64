"""What stands between the socket and the application: reads the request, counts it, commits the planned fault.

An ASGI application around an ASGI application. Without a plan it only reads and counts.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from typing import NamedTuple

from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blin_pipeline.sandbox import damage, wire
from blin_pipeline.sandbox.faults import Fault, FaultKind, FaultPlan
from blin_pipeline.sandbox.formats import CONTENT_TYPES, error_bytes
from blin_pipeline.sandbox.host import Account
from blin_pipeline.sandbox.protocol import NO_API_RIGHT, ApiRequest, Upload, parse_parameters
from blin_pipeline.sandbox.rate import RateLimit
from blin_pipeline.sandbox.server import API_PATH, SCOPE_KEY

_MAX_PARAMETERS = 100_000
_MAX_PART = 1 << 30
_HTML = b"text/html; charset=UTF-8"


class _Good(NamedTuple):
    """The application's own answer, whole."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def without_length(self) -> list[tuple[bytes, bytes]]:
        return [(name, value) for name, value in self.headers if name.lower() != b"content-length"]


class Gate:
    """The outermost ASGI application of the sandbox.

    Args:
        app: The application behind it.
        accounts: Token -> project, for faults that change a project.
        plan: Faults to commit.
        transports: Connections by client address, kept by :func:`blin_pipeline.sandbox.wire.recording_protocol`.
        limit: Requests that an address may send; none is refused when None.

    Attributes:
        requests: ``(content, form)`` of every request that arrived, in order.
    """

    def __init__(
        self,
        app: ASGIApp,
        accounts: Mapping[str, Account],
        plan: FaultPlan,
        transports: wire.Transports,
        limit: RateLimit | None = None,
    ) -> None:
        self._limit = limit or RateLimit(0)
        self._app = app
        self._accounts = accounts
        self._plan = plan
        self._transports = transports
        self.requests: list[tuple[str, str | None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] != "http" or scope["path"] != API_PATH:
            await self._app(scope, receive, send)
            return
        request = await _read(scope, receive)
        scope[SCOPE_KEY] = request
        self.requests.append((request.content, request.form))
        if self._limit.refuses(scope["client"][0]):
            await _answer(send, 403, [(b"content-type", _HTML)], damage.BAN_PAGE)
            return
        fault = self._plan.strike(request)
        if fault is None:
            await self._app(scope, receive, send)
            return
        await self._commit(fault, request, scope, receive, send)

    async def _commit(self, fault: Fault, request: ApiRequest, scope: Scope, receive: Receive, send: Send) -> None:
        kind = fault.kind
        transport = self._transports[scope["client"]]
        if kind is FaultKind.MUTATE:
            account = self._accounts.get(request.text("token"))
            if account is not None and callable(fault.argument):
                fault.argument(account.project)
            await self._app(scope, receive, send)
        elif kind is FaultKind.HANG:
            await _until_gone(receive, fault.number(0) or None)
            transport.close()
        elif kind is FaultKind.DELAY:
            await asyncio.sleep(fault.number(1))
            await self._app(scope, receive, send)
        elif kind is FaultKind.RESET:
            wire.reset(transport)
            await _until_gone(receive)
        elif (instead := _instead(fault, request)) is not None:
            await _answer(send, *instead)
        else:
            good = await self._good_answer(scope, receive)
            await _spoil(fault, good, transport, receive, send)

    async def _good_answer(self, scope: Scope, receive: Receive) -> _Good:
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, collect)
        return _Good(start["status"], list(start["headers"]), b"".join(parts))


async def _read(scope: Scope, receive: Receive) -> ApiRequest:
    if scope["method"] != "POST":
        return ApiRequest()
    try:
        async with Request(scope, receive).form(max_fields=_MAX_PARAMETERS, max_part_size=_MAX_PART) as form:
            plain: list[tuple[str, str]] = []
            uploads: dict[str, Upload] = {}
            for name, value in form.multi_items():
                if isinstance(value, str):
                    plain.append((name, value))
                else:
                    media_type = value.content_type or "application/octet-stream"
                    uploads[name] = Upload(value.filename or name, await value.read(), media_type)
            return parse_parameters(plain, uploads)
    except (MultiPartException, UnicodeDecodeError):
        return ApiRequest()


async def _until_gone(receive: Receive, seconds: float | None = None) -> None:
    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(gone(), seconds)
    except TimeoutError:
        return


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def _instead(fault: Fault, request: ApiRequest) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """Status, headers and body of faults that do not need the good answer; None for the others."""
    kind = fault.kind
    own_type = CONTENT_TYPES[request.error_format].encode()
    if kind in damage.INSTEAD:
        body, content_type = damage.INSTEAD[kind]
        return 200, [(b"content-type", content_type or own_type)], body
    if kind is FaultKind.STATUS_HTML:
        status = int(fault.number(500))
        return status, [(b"content-type", _HTML)], damage.status_page(status)
    if kind is FaultKind.STATUS_EMPTY:
        return int(fault.number(500)), [(b"content-type", _HTML)], b""
    if kind is FaultKind.STATUS_JSON:
        return int(fault.number(503)), [(b"content-type", CONTENT_TYPES["json"].encode())], b"[]"
    if kind in {FaultKind.RATE_LIMIT_HTML, FaultKind.RATE_LIMIT_JSON}:
        wait = (b"retry-after", str(int(fault.number(1))).encode())
        if kind is FaultKind.RATE_LIMIT_HTML:
            return 429, [(b"content-type", _HTML), wait], damage.status_page(429)
        return 429, [(b"content-type", CONTENT_TYPES["json"].encode()), wait], b'{"message":"Too many requests"}'
    if kind is FaultKind.BAD_TOKEN:
        return 403, [(b"content-type", own_type)], error_bytes(request.error_format, NO_API_RIGHT)
    if kind is FaultKind.BAN_PAGE:
        return 403, [(b"content-type", _HTML)], damage.BAN_PAGE
    if kind is FaultKind.REDIRECT_302:
        return 302, [(b"location", fault.text("/login").encode())], b""
    if kind is FaultKind.REDIRECT_307:
        return 307, [(b"location", fault.text("http://redcap.example.org/api/").encode())], b""
    return None


async def _spoil(fault: Fault, good: _Good, transport: asyncio.Transport, receive: Receive, send: Send) -> None:
    """Send the good answer with the defect of the fault."""
    kind, body = fault.kind, good.body
    if kind in damage.DAMAGES:
        await _answer(send, good.status, good.without_length(), damage.DAMAGES[kind](body))
    elif kind is FaultKind.CUT_AT_ROW:
        kept = None if fault.argument is None else int(fault.number(0))
        await _answer(send, good.status, good.without_length(), damage.cut_at_row(body, kept))
    elif kind is FaultKind.STATUS_HALF_BODY:
        await _answer(send, int(fault.number(504)), good.without_length(), damage.cut_mid_row(body))
    elif kind is FaultKind.STATUS_FULL_BODY:
        await _answer(send, int(fault.number(500)), good.without_length(), body)
    elif kind is FaultKind.DRIP:
        await _drip(good, fault.number(0.05), receive, send)
    else:
        transport.write(_raw(fault, good))
        transport.close()
        await _until_gone(receive)


def _raw(fault: Fault, good: _Good) -> bytes:
    kind, headers = fault.kind, good.without_length()
    half = damage.cut_mid_row(good.body) if fault.argument is None else good.body[: int(fault.number(0))]
    if kind is FaultKind.SHORT_BODY:
        return wire.raw_answer(good.status, good.headers, half)
    if kind is FaultKind.CHUNKED_ENDS_EARLY:
        chunked = [*headers, (b"transfer-encoding", b"chunked")]
        return wire.raw_answer(good.status, chunked, wire.chunk(half))
    if kind is FaultKind.GZIP_CUT:
        packed = gzip.compress(good.body, mtime=0)
        zipped = [*headers, (b"content-encoding", b"gzip")]
        return wire.raw_answer(good.status, zipped, packed[: len(packed) // 2])
    return wire.raw_answer(good.status, headers, half)


async def _drip(good: _Good, seconds: float, receive: Receive, send: Send) -> None:
    """Send byte by byte until done or until the client leaves."""
    await send({"type": "http.response.start", "status": good.status, "headers": good.headers})
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        for position in range(len(good.body)):
            await send({"type": "http.response.body", "body": good.body[position : position + 1], "more_body": True})
            await asyncio.wait([gone], timeout=seconds)
            if gone.done():
                return
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
