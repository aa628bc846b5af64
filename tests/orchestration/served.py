"""Server processes of a test: started in a session of their own, waited for, and stopped with everything that they started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

#: Generous, because a loaded machine imports slowly; a server that ends by itself is noticed at once.
PATIENCE_SECONDS = 400


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """One server process, and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Wait for a condition; fail at once when the server ends, and with its last output in any case."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            try:
                self.process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline:
                    continue
            last = self.log.read_text(encoding="utf-8", errors="replace")[-4000:]
            pytest.fail(f"{self.name}: {what} did not come (exit code {self.process.poll()})\n{last}")

    def stop(self) -> int | None:
        """Ask it to stop and wait; the exit code, None when it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


@contextmanager
def serving_process(
    name: str, command: Sequence[str | Path], *, environment: dict[str, str], log: Path, **more: Any
) -> Iterator[Server]:
    """Run a server for the length of the block; whatever happens, it is gone afterwards."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a shell's background job: children would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **more
        )
    server = Server(name, process, log)
    try:
        yield server
    finally:
        if process.poll() is None:
            server.stop()


def processes_with(marker: str) -> dict[int, str]:
    """Processes whose environment holds a text (a folder of the test), with their command lines. Linux only; else nothing."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
        except OSError:  # ended meanwhile, or of another user
            continue
    found.pop(os.getpid(), None)
    return found


def processes_left(marker: str, seconds: float = 60) -> dict[int, str]:
    """What is still there after a while; empty as soon as nothing is."""
    deadline = time.monotonic() + seconds
    while left := processes_with(marker):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return left


def kill_all(processes: dict[int, str]) -> None:
    """End what a server left behind."""
    for pid in processes:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def answers(address: str) -> bool:
    """Whether an address answers with status 200."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def graphql(port: int, query: str, **variables: Any) -> Any:
    """One GraphQL request to a Dagster webserver on this machine; fails on any error in the answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query, "variables": variables}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        body = json.load(answer)
    assert "errors" not in body, body["errors"]
    return body["data"]


def location_is_loaded(port: int) -> bool:
    """Whether the webserver has loaded the code location without an error."""
    data = graphql(
        port,
        "{ workspaceOrError { ... on Workspace { locationEntries {"
        " loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }",
    )
    entries = data["workspaceOrError"]["locationEntries"]
    errors = [entry for entry in entries if (entry["locationOrLoadError"] or {}).get("__typename") == "PythonError"]
    assert not errors, errors
    return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)
