"""The dbt of a run: it ends with the run, whatever ends that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from blin_pipeline.orchestration.dbt_process import FROM_PARSED

pytestmark = pytest.mark.slow

CHILD = """
import sys
from pathlib import Path
from blin_pipeline.orchestration.dbt_process import end_with_parent
if sys.argv[1] == "bound":
    end_with_parent()
print("ready", flush=True)
sys.stdin.read()
print("outlived its parent", flush=True)
"""
PARENT = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", *sys.argv[1:]])
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal to orphans is Linux's")
@pytest.mark.parametrize(("bound", "left"), [("bound", ""), ("free", "outlived its parent\n")])
def test_a_killed_run_takes_its_dbt_along(bound: str, left: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD, bound], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    assert parent.stdout.readline() == "ready\n"
    parent.kill()
    parent.wait()
    if bound == "free":
        parent.stdin.close()
    assert parent.stdout.read() == left, "the pipe ends when the last process that holds it has ended"
    parent.stdout.close()
    parent.stdin.close()


@pytest.mark.parametrize("left", [[], ["sources.sha256"], ["partial_parse.msgpack", "sources.sha256"]])
def test_without_a_parse_that_fits_blin_dbt_is_dbt(tmp_path: Path, left: list[str]) -> None:
    """Nothing kept, half of it, or what was read from other files."""
    for name in left:
        (tmp_path / name).write_text("of another project", encoding="ascii")
    done = subprocess.run(
        [Path(sys.executable).with_name("blin-dbt"), FROM_PARSED, tmp_path, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "dbt" in done.stdout
    assert "build" in done.stdout
