"""Starting and stopping."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from server_sample import PROJECT, TOKEN, post

from blin_pipeline.errors import SourceError
from blin_pipeline.sandbox.serve import serving

FOREGROUND = """
from server_sample import PROJECT, TOKEN
from blin_pipeline.sandbox.host import Host, open_accounts
from blin_pipeline.sandbox.serve import run
run(Host(open_accounts({TOKEN: PROJECT})), ready=lambda url: print(url, flush=True))
"""


def test_the_foreground_server_tells_its_address_and_ends_on_interrupt() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FOREGROUND], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert post(url, content="version").text == "15.5.2"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


def test_a_taken_port_is_a_clear_error() -> None:
    with serving({TOKEN: PROJECT}) as running:
        port = int(running.url.split(":")[2].split("/")[0])
        with pytest.raises(SourceError) as caught, serving({TOKEN: PROJECT}, port=port):
            pass
    assert caught.value.code == "E_SANDBOX_PORT"


def test_nothing_answers_after_the_block() -> None:
    with serving({TOKEN: PROJECT}) as running:
        url = running.url
    with pytest.raises(OSError, match="refused"):
        post(url, content="version")
