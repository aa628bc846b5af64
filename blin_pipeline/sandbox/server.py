"""The Starlette application: one POST endpoint ``/api/``, token to project and rights, content type to answer.

Source: ``docs/redcap.md`` sections 1 to 3. Reading bodies and committing faults is the gate's work
(:mod:`blin_pipeline.sandbox.gate`), which stands in front of this application.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from blin_pipeline.sandbox.contents import EXPORTS, LOGGED_AS, Answer, Call, ServerSettings
from blin_pipeline.sandbox.formats import CONTENT_TYPES, error_bytes
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import (
    NO_API_RIGHT,
    NO_DELETE_RIGHT,
    NO_EXPORT_RIGHT,
    NO_IMPORT_RIGHT,
    NOT_IMPLEMENTED,
    ApiError,
    ApiRequest,
    bad_parameter,
)
from blin_pipeline.sandbox.rights import TokenRights

API_PATH = "/api/"
#: Key of the decoded request in the ASGI scope, put there by the gate.
SCOPE_KEY = "blin_sandbox_request"
NOT_FOUND_PAGE = (
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n'
    "<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n"
)
_HEADERS = {
    "Expires": "0",
    "Cache-Control": "no-store, no-cache, must-revalidate",
    "Pragma": "no-cache",
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}


class Account(NamedTuple):
    """What a token opens."""

    project: ProjectState
    rights: TokenRights


def application(accounts: Mapping[str, Account], settings: ServerSettings | None = None) -> Starlette:
    """Build the application.

    Args:
        accounts: Token -> project and rights.
        settings: Facts about the server.
    """
    used = settings or ServerSettings()

    async def endpoint(http_request: Request) -> Response:
        request: ApiRequest = http_request.scope[SCOPE_KEY]
        if http_request.method != "POST":
            return _refused(request, ApiError(501, NOT_IMPLEMENTED))
        try:
            answer = await run_in_threadpool(answer_request, accounts, request, used)
        except ApiError as error:
            return _refused(request, error)
        noise = hashlib.sha256(answer.body[:4096]).hexdigest()[:48]
        headers = {**_HEADERS, "REDCap-Random-Text": noise, "Content-Type": answer.content_type}
        return Response(answer.body, headers=headers)

    async def not_found(_request: Request, _error: Exception) -> Response:
        return Response(NOT_FOUND_PAGE, 404, headers={"Content-Type": "text/html; charset=iso-8859-1"})

    methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
    app = Starlette(routes=[Route(API_PATH, endpoint, methods=methods)], exception_handlers={404: not_found})
    app.router.redirect_slashes = False
    return app


def answer_request(accounts: Mapping[str, Account], request: ApiRequest, settings: ServerSettings) -> Answer:
    """Answer one decoded request, and write the project's log.

    Raises:
        ApiError: Any refusal.
    """
    account = accounts.get(request.text("token").strip())
    if account is None or not account.rights.has_api_right:
        raise ApiError(403, NO_API_RIGHT)
    project, rights = account
    content = request.content
    if content not in EXPORTS:
        raise bad_parameter("content")
    action = request.text("action").lower()
    if action not in {"", "export"} or "data" in request.scalars:
        _refuse_change(rights, content, action)
    if not rights.api_export:
        raise ApiError(403, NO_EXPORT_RIGHT)
    with project.lock:
        project.tick()
        answer = EXPORTS[content](Call(project, rights, request, settings))
        if content == "record":
            project.note("export", "Data export (API)", LOGGED_AS[content], rights.username)
        elif content in LOGGED_AS:
            project.note("manage", "Manage/Design", LOGGED_AS[content], rights.username)
    return answer


def _refuse_change(rights: TokenRights, content: str, action: str) -> NoReturn:
    if content == "record" and action == "delete" and not rights.record_delete:
        raise ApiError(403, NO_DELETE_RIGHT)
    if not rights.api_import:
        raise ApiError(403, NO_IMPORT_RIGHT)
    raise ApiError(501, NOT_IMPLEMENTED)


def _refused(request: ApiRequest, error: ApiError) -> Response:
    wanted = request.error_format
    headers = {**_HEADERS, "Content-Type": CONTENT_TYPES[wanted]}
    return Response(error_bytes(wanted, error.message), error.status, headers=headers)
