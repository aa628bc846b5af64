"""kill -9 at random moments of a pull: the next one succeeds, gives the same content, and nothing lies about.

Each pull runs in a fork of a warmed process, and ends itself with SIGKILL at a random one of its calls of Python and C
functions (requests, writes, flushes, renames), so that the moment does not depend on the machine's load.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from proof import proof_count
from pulling import SOURCE, TOKEN, Clock, PullHome

from blin_pipeline.landing.reading import checked_pull
from blin_pipeline.sandbox.serve import serving

pytestmark = pytest.mark.slow

#: Reads one line per pull, {home, now, incremental, kill_at}; answers with what became of it.
_WARM = """
    import json, os, signal, sys
    from datetime import datetime
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    from pulling import Clock, PullHome

    def pull(task, out):
        calls = 0
        def count(frame, event, argument):
            nonlocal calls
            calls += 1
            if calls == task["kill_at"]:
                os.kill(os.getpid(), signal.SIGKILL)
        home = PullHome(Path(task["home"]), Clock(datetime.fromisoformat(task["now"])))
        sys.setprofile(count)
        found, reading = home.pull(task["url"], incremental=task["incremental"])
        sys.setprofile(None)
        facts = {"content": found.manifest.content_sha256, "pull_id": found.pull_id, "calls": calls}
        os.write(out, json.dumps(facts | {"mode": reading.mode, "notes": found.manifest.notes}).encode())

    for line in sys.stdin:
        task = json.loads(line)
        inside, out = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                pull(task, out)
            except BaseException as error:
                os.write(2, repr(error).encode())
                os._exit(1)
            os._exit(0)
        os.close(out)
        with os.fdopen(inside) as answer:
            text = answer.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"killed": killed, "exit": status, "facts": json.loads(text) if text else None}), flush=True)
"""


class _Warm:
    """The warmed process."""

    def __init__(self, url: str) -> None:
        self._url = url
        command = [sys.executable, "-c", textwrap.dedent(_WARM), str(Path(__file__).parent)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def pull(self, home: Path, clock: Clock, *, incremental: bool = False, kill_at: int = 0) -> dict:
        task = {"home": str(home), "now": clock.now.isoformat(), "incremental": incremental, "kill_at": kill_at}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task | {"url": self._url}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def test_killed_pulls_leave_nothing_but_good_answers(tmp_path: Path, proof: Callable[[str], None]) -> None:
    rounds = proof_count(14, 100)
    choose = random.Random(20260701)
    clock = Clock()
    came: Counter[str] = Counter()
    with serving({TOKEN: SOURCE}, clock=clock) as running:
        before, _ = PullHome(tmp_path / "before", clock).pull(running.url)
        state = running.project(TOKEN)
        clock.move(days=1)
        state.save("S1-1", "baseline", None, {"code": "edited"})
        state.rename_record("S2-1", "S2-2")
        state.clear_form("S1-10", "course", 1)
        expected, _ = PullHome(tmp_path / "undisturbed", clock).pull(running.url)
        warm = _Warm(running.url)
        try:
            calls = {
                incremental: warm.pull(_home(tmp_path, "dry", incremental), clock, incremental=incremental)["facts"][
                    "calls"
                ]
                for incremental in (False, True)
            }
            for number in range(rounds):
                incremental = number % 2 == 1
                home = _home(tmp_path, str(number), incremental)
                kill_at = choose.randrange(1, calls[incremental])
                first = warm.pull(home, clock, incremental=incremental, kill_at=kill_at)
                came["killed"] += first["killed"]
                if not first["killed"]:
                    # Fewer calls than in the dry run; the pull was over before its moment came.
                    assert first["exit"] == 0
                second = warm.pull(home, clock, incremental=incremental)
                assert second["exit"] == 0, (number, kill_at)
                facts = second["facts"]
                assert facts["content"] == expected.manifest.content_sha256
                came[facts["mode"]] += 1
                came["resumed"] += any("used again" in note for note in facts["notes"])
                _check_folder(home, {facts["pull_id"], *([before.pull_id] if incremental else [])})
                shutil.rmtree(home)
        finally:
            warm.close()
    proof(f"kill -9 during a pull: {rounds} rounds, " + ", ".join(f"{what} {n}" for what, n in sorted(came.items())))
    assert came["killed"] > rounds * 0.8
    assert came["incremental"] == rounds // 2


def _home(tmp_path: Path, name: str, incremental: bool) -> Path:
    """An empty home, or one with the pull of the day before."""
    home = tmp_path / f"{name}-{incremental}"
    if incremental:
        shutil.copytree(tmp_path / "before", home)
    return home


def _check_folder(home: Path, pulls: set[str]) -> None:
    assert {path.name for path in home.iterdir()} == {"pulls"}
    pulls_dir = home / "pulls"
    found = {path.name for path in pulls_dir.iterdir()} - {".landing.lock", "pulls.jsonl", "accepted"}
    assert found == pulls
    for pull_id in pulls:
        checked_pull(pulls_dir, pull_id).verify()
