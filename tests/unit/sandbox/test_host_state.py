"""State in a folder: found again after a restart, whole after a crash, one server at a time."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from longitudinal_sample import EVERYTHING, LONGITUDINAL, OTHER
from pycap_sample import PROJECT_XML, SUPER_TOKEN
from server_sample import OTHER_TOKEN, PROJECT, TOKEN, post

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.sandbox.host import Host, open_accounts
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.serve import RunningSandbox, serving_host
from blin_pipeline.sandbox.state import STATE_FILE, StateFolder

CONTENTS = (
    *("project", "metadata", "instrument", "arm", "event", "formEventMapping", "repeatingFormsEvents", "dag"),
    *("userDagMapping", "user", "userRole", "userRoleMapping", "exportFieldNames", "record"),
)


@contextmanager
def kept(folder: Path) -> Iterator[RunningSandbox]:
    """A server on a folder; two projects at the first start."""
    state = StateFolder(folder)
    try:
        accounts = state.load()
        if not accounts:
            rights = {TOKEN: EVERYTHING, OTHER_TOKEN: TokenRights(username="reader", data_access_group="site_a")}
            accounts = open_accounts({TOKEN: LONGITUDINAL, OTHER_TOKEN: PROJECT}, rights)
            for token, account in accounts.items():
                state.keep_account(token, account)
        with serving_host(Host(accounts, super_tokens=[SUPER_TOKEN], keeper=state)) as running:
            yield running
    finally:
        state.close()


def everything(running: RunningSandbox, token: str) -> dict[str, bytes]:
    parameters = {"exportDataAccessGroups": "1", "exportSurveyFields": "1"}
    return {name: post(running.url, token, content=name, format="json", **parameters).content for name in CONTENTS}


def test_a_restart_finds_every_project_as_it_was(tmp_path: Path) -> None:
    with kept(tmp_path) as running:
        created = post(
            running.url,
            SUPER_TOKEN,
            content="project",
            format="json",
            data='{"project_title": "C", "purpose": 0}',
            odm=PROJECT_XML,
        ).text
        post(running.url, content="dag", action="import", format="json", data='[{"data_access_group_name": "New"}]')
        post(running.url, content="userRole", action="import", format="json", data='[{"role_label": "Role"}]')
        post(running.url, content="user", action="import", format="json", data='[{"username": "n", "logging": 1}]')
        forgotten = {"records[0]": "2", "delete_logging": "1"}
        assert post(running.url, content="record", action="delete", format="json", **forgotten).text == "1"
        post(running.url, content="event", action="delete", format="json", **{"events[0]": OTHER})
        project = running.project(TOKEN)
        project.save("1", "baseline", None, {"remark": 'später\r\n"x"'}, event="start_arm_1")
        post(running.url, content="fileRepository", action="createFolder", name="F", format="json")
        before = {token: everything(running, token) for token in (TOKEN, OTHER_TOKEN, created)}
        logs = {token: running.project(token).log.entries() for token in (TOKEN, OTHER_TOKEN)}
        clock = running.project(TOKEN).clock()
        file = post(
            running.url,
            created,
            content="file",
            action="export",
            record="1",
            field="upload_field",
            event="event_1_arm_1",
        )
    with kept(tmp_path) as running:
        assert running.project(TOKEN).clock() == clock
        assert {token: running.project(token).log.entries() for token in logs} == logs
        assert {token: everything(running, token) for token in before} == before
        again = post(
            running.url,
            created,
            content="file",
            action="export",
            record="1",
            field="upload_field",
            event="event_1_arm_1",
        )
        assert again.content == file.content == b"test upload\n"
        folder = post(running.url, content="fileRepository", action="createFolder", name="G", format="json")
        assert folder.json() == [{"folder_id": 2}]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    with kept(tmp_path / "deep" / "state"):
        assert (tmp_path / "deep" / "state" / STATE_FILE).stat().st_mode & 0o777 == 0o600


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    with kept(tmp_path), pytest.raises(ConfigurationError) as caught:
        StateFolder(tmp_path)
    assert caught.value.code == "E_SANDBOX_STATE"


def test_two_projects_of_one_number_are_not_kept_over_each_other(tmp_path: Path) -> None:
    with kept(tmp_path):
        pass
    state = StateFolder(tmp_path)
    state.load()
    other = open_accounts({"A" * 32: replace(PROJECT, title="Other")})
    with pytest.raises(ConfigurationError) as caught:
        state.keep_account("A" * 32, other["A" * 32])
    assert caught.value.code == "E_SANDBOX_PROJECT"
    assert len(state.load()) == 2
    state.close()


def _no_database(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)


def _later_version(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 99")


def _damaged(path: Path) -> None:
    with kept(path.parent):
        pass
    with sqlite3.connect(path) as file:
        file.execute("UPDATE project SET setup = '{}'")


@pytest.mark.parametrize("spoil", [_no_database, _later_version, _damaged])
def test_a_folder_that_is_not_usable_is_refused_and_left_alone(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    path = tmp_path / STATE_FILE
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError) as caught:
        StateFolder(tmp_path).load()
    assert caught.value.code == "E_SANDBOX_STATE"
    assert path.read_bytes() == before


_SERVER = """
import sys
from pathlib import Path
from test_host_state import kept
with kept(Path(sys.argv[1])) as running:
    print(running.url, flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_what_was_answered_survives_a_killed_server(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SERVER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        for number in range(20):
            rows = json.dumps([{"data_access_group_name": f"Group {number}"}])
            assert post(url, content="dag", action="import", format="json", data=rows).text == "1"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with kept(tmp_path) as running:
        names = [row["data_access_group_name"] for row in post(running.url, content="dag", format="json").json()]
    assert names[2:] == [f"Group {number}" for number in range(20)]
