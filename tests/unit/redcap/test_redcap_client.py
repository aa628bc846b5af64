"""The client: what it refuses to send, where it refuses to go, and what it never shows."""

from __future__ import annotations

import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr
from redcap_sample import TOKEN, Waits, client

from blin_pipeline.errors import BlinError, ConfigurationError, SourceError
from blin_pipeline.redcap.client import RedcapClient
from blin_pipeline.redcap.client.guard import GuardedProject, MaskedToken
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.sandbox.serve import RunningSandbox


@contextmanager
def raw_server(speak: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads one request and lets ``speak`` answer it; hands out its address and what it received."""
    received: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            request = self.request.recv(1 << 16)
            while b"content=" not in request:
                more = self.request.recv(1 << 16)
                if not more:
                    break
                request += more
            received.append(request)
            speak(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api/", received
        finally:
            server.shutdown()
            thread.join()


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redcap.example.org/api/",
        "http://redcap.example.org/api/",
        "http://localhost.example.org/api/",
        "http://10.0.0.1/api/",
        "ftp://redcap.example.org/api/",
        "https://redcap.example.org/api",
        "https://redcap.example.org/api/?token=x",
        "https://redcap.example.org/api/#/api/",
        "https://user:secret@redcap.example.org/api/",
        "https://[bad/api/",
        "https://redcap.example.org:port/api/",
        "https:///api/",
    ],
)
def test_address_that_a_token_must_not_go_to(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RedcapClient(url, SecretStr(TOKEN))
    assert caught.value.code == "E_URL"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["https://redcap.example.org/api/", "http://127.0.0.1:1/api/", "http://localhost/x/api/", "http://[::1]:8/api/"],
)
def test_address_that_is_right(url: str) -> None:
    assert repr(RedcapClient(url, SecretStr(TOKEN))) == f"RedcapClient({url!r})"


@pytest.mark.parametrize("token", ["", TOKEN[:31], TOKEN + "0", TOKEN[:31] + "G", f"{TOKEN}\n", f'"{TOKEN}"'])
def test_token_of_another_shape_is_not_shown(token: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RedcapClient("https://redcap.example.org/api/", SecretStr(token))
    assert caught.value.code == "E_TOKEN"
    assert TOKEN[:31] not in "".join(traceback.format_exception(caught.value))


def test_only_exports_can_be_called() -> None:
    public = {name for name in dir(RedcapClient) if not name.startswith("_")}
    assert not {
        name for name in public if any(word in name for word in ("import", "delete", "write", "switch", "rename"))
    }


@pytest.mark.parametrize(
    "call",
    [
        lambda project: project.import_records([{"record_id": "1"}]),
        lambda project: project.delete_records(["1"]),
        lambda project: project.import_metadata([]),
        lambda project: project.switch_dag("x"),
        lambda project: project.delete_dags(["x"]),
        lambda project: project.export_pdf(),
        lambda project: project.export_users(),
    ],
)
def test_what_is_no_export_of_ours_is_never_sent(call: Callable[[GuardedProject], object]) -> None:
    sent: list[object] = []
    guarded = GuardedProject("https://redcap.example.org/api/", MaskedToken(TOKEN), sent.append, "record_id")
    with pytest.raises(SourceError) as caught:
        call(guarded)
    assert caught.value.code == "E_NOT_AN_EXPORT"
    assert sent == []


def test_token_reaches_the_server_and_no_text(sandbox: RunningSandbox) -> None:
    token = MaskedToken(TOKEN)
    assert client(sandbox.url).metadata().value, "the server knew the token"
    assert TOKEN not in f"{token} {token!r} {token!s} {[token]} {token:>40} {client(sandbox.url)!r}"


def test_token_stands_in_no_traceback_with_variables() -> None:
    """Renderers that print local variables must not find the token in our frames; the first is this test's own."""
    answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    with raw_server(answering(answer)) as (url, received), pytest.raises(RedcapReadError) as caught:
        client(url, attempts=1).metadata()
    assert caught.value.__traceback__ is not None
    frames = traceback.walk_tb(caught.value.__traceback__.tb_next)
    shown = "".join(traceback.StackSummary.extract(frames, capture_locals=True).format())
    assert "payload = " in shown
    assert TOKEN.encode() in received[0]
    assert TOKEN not in shown
    assert not hasattr(caught.value, "request")


def test_refused_connection_keeps_no_request() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api/"
        with pytest.raises(RedcapReadError) as caught:
            client(url).metadata()
    assert caught.value.code == "E_CONNECTION"
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_redirect_sends_nothing_to_the_second_host() -> None:
    with raw_server(answering(b"")) as (second, received_there):
        answer = f"HTTP/1.1 307 Moved\r\nLocation: {second}\r\nContent-Length: 0\r\n\r\n".encode()
        with raw_server(answering(answer)) as (first, _), pytest.raises(RedcapReadError) as caught:
            client(first).metadata()
    assert caught.value.code == "E_REDIRECT"
    assert received_there == []


def test_redirect_to_nonsense_is_a_redirect() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 0\r\n\r\n"
    with raw_server(answering(answer)) as (url, _), pytest.raises(RedcapReadError) as caught:
        client(url).metadata()
    assert caught.value.code == "E_REDIRECT"


def test_headers_that_never_end_meet_the_deadline() -> None:
    """Every byte arrives within the read time-out; only the deadline of the whole request can end this."""
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not stop.wait(0.05):
                connection.sendall(b"a")
        except OSError:
            return

    with raw_server(drip) as (url, _), pytest.raises(RedcapReadError) as caught:
        client(url, read_seconds=5.0, deadline_seconds=1.0).metadata()
    stop.set()
    assert caught.value.code == "E_DEADLINE"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"200 OK\r\nContent-Type: application/json; charset=ISO-8859-1", "E_ENCODING"),
        (b"200 OK\r\nContent-Encoding: br", "E_ENCODING"),
        (b"204 No Content", "E_HTTP_4XX"),
        (b"400 Bad", "E_HTTP_4XX"),
        (b"401 No", "E_AUTH"),
        (b"404 Gone", "E_NOT_FOUND"),
        (b"408 Slow", "E_TIMEOUT"),
        (b"413 Large", "E_HTTP_4XX"),
        (b"501 No TLS", "E_HTTP_5XX"),
        (b"599 Odd", "E_HTTP_5XX"),
    ],
)
def test_head_of_an_answer(head: bytes, code: str) -> None:
    answer = b"HTTP/1.1 " + head + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"
    with raw_server(answering(answer)) as (url, _), pytest.raises(RedcapReadError) as caught:
        client(url).metadata()
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("7", 7.0),
        ("4000", 60.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("soon", 1.0),
        ("9" * 400, 60.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60.0),
    ],
)
def test_server_may_ask_for_a_wait(asked: str, waited: float) -> None:
    waits = Waits()
    answer = f"HTTP/1.1 429 Busy\r\nRetry-After: {asked}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    with raw_server(answering(answer)) as (url, _), pytest.raises(RedcapReadError):
        client(url, waits).metadata()
    assert waits == [waited]


def test_certificate_of_nobody_is_refused_at_once(tmp_path: Path) -> None:
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("no openssl here to make a certificate")
    names = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"), "-subj", "/CN=localhost"]
    made = [tool, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    waits = Waits()
    reached: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                reached.append(secure.recv(10))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(RedcapReadError) as caught:
            client(f"https://localhost:{listener.getsockname()[1]}/api/", waits).metadata()
        thread.join(20)
    assert caught.value.code == "E_TLS"
    assert waits == []
    assert reached == []


def test_answer_that_is_not_http() -> None:
    with raw_server(answering(b"SSH-2.0-OpenSSH_9.9\r\n")) as (url, _), pytest.raises(RedcapReadError) as caught:
        client(url).metadata()
    assert caught.value.code == "E_CONNECTION"


def test_full_disk_while_saving_records(sandbox: RunningSandbox) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(BlinError) as caught:
        client(sandbox.url).records(
            full, "records", lambda file: file, record_id_field="record_id", fields=["record_id"]
        )
    assert caught.value.code == "E_DISK"


def test_no_proxy_of_the_environment_sees_what_goes_to_this_machine(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain http is for this machine only; through a proxy the token would travel in the clear."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with raw_server(answering(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")) as (url, received):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, url.removesuffix("/api/"))
        assert client(sandbox.url).version()
    assert received == []


def test_a_proxy_of_the_environment_is_used_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tunnel is asked for and nothing else: the token comes after the certificate."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    asked: list[bytes] = []

    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    asked.append(connection.recv(1 << 16))
                    refuse(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(RedcapReadError):
            client("https://redcap.example.org/api/").version()
        thread.join(10)
    assert all(request.startswith(b"CONNECT redcap.example.org:443") for request in asked)
    assert asked
    assert TOKEN.encode() not in b"".join(asked)
