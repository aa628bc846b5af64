"""The Starlette application: one POST endpoint ``/api/``, token to project and rights, content type to answer.

Source: ``docs/redcap.md`` sections 1 to 3. Reading bodies and committing faults is the gate's work
(:mod:`blin_pipeline.sandbox.gate`), which stands in front of this application.
"""

from __future__ import annotations

import hashlib
from typing import NoReturn

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from blin_pipeline.sandbox.contents.call import Answer, Call
from blin_pipeline.sandbox.contents.operations import CONTENTS, OPERATIONS
from blin_pipeline.sandbox.creation import create_project
from blin_pipeline.sandbox.formats import CONTENT_TYPES, error_bytes
from blin_pipeline.sandbox.host import Host
from blin_pipeline.sandbox.protocol import (
    NO_API_RIGHT,
    NO_DELETE_RIGHT,
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


def application(host: Host) -> Starlette:
    """Build the application.

    Args:
        host: Tokens, projects and facts about the server.
    """

    async def endpoint(http_request: Request) -> Response:
        request: ApiRequest = http_request.scope[SCOPE_KEY]
        if http_request.method != "POST":
            return _refused(request, ApiError(501, NOT_IMPLEMENTED))
        try:
            answer = await run_in_threadpool(answer_request, host, request)
        except ApiError as error:
            return _refused(request, error)
        noise = hashlib.sha256(answer.body[:4096]).hexdigest()[:48]
        response = Response(answer.body, headers={**_HEADERS, "REDCap-Random-Text": noise})
        response.raw_headers.append((b"content-type", answer.content_type.encode()))
        return response

    async def not_found(_request: Request, _error: Exception) -> Response:
        return Response(NOT_FOUND_PAGE, 404, headers={"Content-Type": "text/html; charset=iso-8859-1"})

    methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
    app = Starlette(routes=[Route(API_PATH, endpoint, methods=methods)], exception_handlers={404: not_found})
    app.router.redirect_slashes = False
    return app


def answer_request(host: Host, request: ApiRequest) -> Answer:
    """Answer one decoded request, and write the project's log.

    Raises:
        ApiError: Any refusal.
    """
    token = request.text("token").strip()
    if token in host.super_tokens:
        if request.content != "project":
            raise bad_parameter("content")
        with host.lock:
            return create_project(host, request)
    account = host.accounts.get(token)
    rights = account.rights if account is not None else None
    if account is None or rights is None or not rights.has_api_right:
        raise ApiError(403, NO_API_RIGHT)
    project = account.project
    if request.content not in CONTENTS:
        raise bad_parameter("content")
    operation = OPERATIONS.get((request.content, request.verb))
    if operation is None:
        _refuse_verb(rights, request)
    operation.check(rights)
    with project.lock:
        project.tick()
        answer = operation.handler(Call(project, rights, request, host.settings))
        if operation.logged_as:
            project.note("manage", "Manage/Design", operation.logged_as, rights.username)
        host.keep(project)
    return answer


def _refuse_verb(rights: TokenRights, request: ApiRequest) -> NoReturn:
    """Refuse what a content type has no verb for; a missing right is named first."""
    if (request.content, request.verb) == ("record", "delete") and not rights.record_delete:
        raise ApiError(403, NO_DELETE_RIGHT)
    if request.verb != "export" and not rights.api_import:
        raise ApiError(403, NO_IMPORT_RIGHT)
    raise ApiError(501, NOT_IMPLEMENTED)


def _refused(request: ApiRequest, error: ApiError) -> Response:
    wanted = request.error_format
    headers = {**_HEADERS, "Content-Type": CONTENT_TYPES[wanted]}
    return Response(error_bytes(wanted, error.message), error.status, headers=headers)
