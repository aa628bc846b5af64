"""Starting and stopping the sandbox server: in a thread for Python callers, in the foreground for ``blin sandbox``."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

import uvicorn

from blin_pipeline.errors import SourceError
from blin_pipeline.sandbox.contents.call import ServerSettings
from blin_pipeline.sandbox.faults import FaultPlan
from blin_pipeline.sandbox.gate import Gate
from blin_pipeline.sandbox.host import Host, open_accounts, server_clock
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rate import RateLimit
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.server import API_PATH, application
from blin_pipeline.sandbox.wire import Transports, recording_protocol

_STOP_SECONDS = 10.0


class RunningSandbox:
    """A server that answers.

    Attributes:
        url: The API's address, ending in ``/api/``.
        faults: The plan it follows; faults may be added while it runs.
        requests: ``(content, form)`` of every request that arrived, in order.
    """

    def __init__(self, url: str, gate: Gate, redcap: Host, faults: FaultPlan) -> None:
        self.url = url
        self.faults = faults
        self.requests = gate.requests
        self._accounts = redcap.accounts

    def project(self, token: str) -> ProjectState:
        """Live state of the project that a token opens, for edits.

        Raises:
            KeyError: The token opens nothing.
        """
        return self._accounts[token].project


@contextlib.contextmanager
def serving(
    projects: Mapping[str, SourceProject],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    faults: FaultPlan | None = None,
    rights: Mapping[str, TokenRights] | None = None,
    clock: Callable[[], datetime] | None = None,
    settings: ServerSettings | None = None,
    super_tokens: Iterable[str] = (),
) -> Iterator[RunningSandbox]:
    """Serve projects from a thread of this process until the block ends.

    Args:
        projects: Token (32 hex digits) -> project.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        faults: Faults to commit.
        rights: Token -> rights; full export rights where not named.
        clock: Server time, naive; deterministic when None.
        settings: Facts about the server.
        super_tokens: Tokens (64 hex digits) that create projects.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_PROJECT``.
        SourceError: Code ``E_SANDBOX_PORT``: the address cannot be listened on.
    """
    known = settings or ServerSettings()
    time = clock or server_clock(known)
    redcap = Host(open_accounts(projects, rights, time), known, super_tokens, clock=time)
    with serving_host(redcap, address=host, port=port, faults=faults) as running:
        yield running


@contextlib.contextmanager
def serving_host(
    redcap: Host, *, address: str = "127.0.0.1", port: int = 0, faults: FaultPlan | None = None
) -> Iterator[RunningSandbox]:
    """Serve a host from a thread of this process until the block ends.

    Raises:
        SourceError: Code ``E_SANDBOX_PORT``: the address cannot be listened on.
    """
    plan = faults if faults is not None else FaultPlan()
    with _listening(address, port) as listener:
        server, gate = _server(redcap, plan)
        bound_port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([listener],), name="sandbox-redcap", daemon=True)
        thread.start()
        try:
            yield RunningSandbox(_address(address, bound_port), gate, redcap, plan)
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join(_STOP_SECONDS)


def run(
    redcap: Host,
    address: str = "127.0.0.1",
    port: int = 0,
    *,
    faults: FaultPlan | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a host in the foreground until interrupted.

    Args:
        redcap: Tokens and projects.
        address: Address to listen on.
        port: Port to listen on; 0 for a free one.
        faults: Faults to commit.
        ready: Called once with the API's address as soon as connections are accepted.

    Raises:
        SourceError: Code ``E_SANDBOX_PORT``.
    """
    with _listening(address, port) as listener:
        server, _ = _server(redcap, faults or FaultPlan())
        if ready is not None:
            ready(_address(address, listener.getsockname()[1]))
        with contextlib.suppress(KeyboardInterrupt):
            server.run([listener])


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(128)
        except OSError:
            raise SourceError(
                "E_SANDBOX_PORT",
                f"The sandbox cannot listen on {host} port {port}.",
                fix="Choose another port, or 0 for any free one.",
            ) from None
        yield listener


def _server(redcap: Host, plan: FaultPlan) -> tuple[uvicorn.Server, Gate]:
    transports: Transports = {}
    limit = RateLimit(redcap.settings.requests_per_minute)
    gate = Gate(application(redcap), redcap.accounts, plan, transports, limit)
    config = uvicorn.Config(
        gate,
        http=recording_protocol(transports),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config), gate


def _address(host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}{API_PATH}"
