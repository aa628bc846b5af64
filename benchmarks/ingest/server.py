"""A server that costs nothing: rendered answers from disk by ``sendfile``, at full speed or at a set number of bytes a second."""

from __future__ import annotations

import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from benchmarks.ingest.answers import CENSUS, FLAT


def answer_of(folder: Path, body: bytes) -> Path | bytes:
    """The file that answers a request, or its bytes."""
    parameters = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    content = parameters.get("content", "")
    if content == "version":
        return b"15.5.2"
    if content != "record":
        return folder / f"{content}.json"
    forms = [value for name, value in parameters.items() if name.startswith("forms")]
    fields = [value for name, value in parameters.items() if name.startswith("fields")]
    if len(forms) == 1:
        return folder / f"record_{forms[0]}.csv"
    return folder / (CENSUS if len(fields) > 1 and not forms else FLAT)


class Server(ThreadingHTTPServer):
    """Serves one folder."""

    daemon_threads = True

    def __init__(self, folder: Path, rate: float) -> None:
        self.folder = folder
        self.rate = rate
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    # Head and body of an answer are two sends: the second must not wait for the first to be acknowledged.
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        found = answer_of(self.server.folder, body)
        if isinstance(found, Path) and not found.exists():
            self.send_error(400)
            return
        size = len(found) if isinstance(found, bytes) else found.stat().st_size
        self.send_response(200)
        kind = "text/csv" if isinstance(found, Path) and found.suffix == ".csv" else "application/json"
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        if isinstance(found, bytes):
            self.wfile.write(found)
        else:
            self._send(found, size)

    def _send(self, path: Path, size: int) -> None:
        self.wfile.flush()
        with path.open("rb") as file:
            sent, started = 0, time.monotonic()
            piece = int(self.server.rate / 20) if self.server.rate else 1 << 24
            while sent < size:
                sent += os.sendfile(self.connection.fileno(), file.fileno(), sent, min(piece, size - sent))
                if self.server.rate:
                    time.sleep(max(0.0, started + sent / self.server.rate - time.monotonic()))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Nothing is logged."""


def main() -> None:
    """``python -m benchmarks.ingest.server FOLDER BYTES_A_SECOND``: prints the port, serves until stdin ends."""
    server = Server(Path(sys.argv[1]), float(sys.argv[2]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
