"""State in a folder: found again after a restart, whole after a crash, one server at a time."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from kept_server import kept
from longitudinal_sample import OTHER
from proof import proof_count
from pycap_sample import PROJECT_XML, SUPER_TOKEN
from server_sample import OTHER_TOKEN, PROJECT, TOKEN, post

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.sandbox.host import open_accounts
from blin_pipeline.sandbox.serve import RunningSandbox
from blin_pipeline.sandbox.state import STATE_FILE, StateFolder

pytestmark = pytest.mark.slow

CONTENTS = (
    *("project", "metadata", "instrument", "arm", "event", "formEventMapping", "repeatingFormsEvents", "dag"),
    *("userDagMapping", "user", "userRole", "userRoleMapping", "exportFieldNames", "record"),
)


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


def test_what_was_answered_survives_a_server_killed_while_it_writes(
    tmp_path: Path, proof: Callable[[str], None]
) -> None:
    rounds = proof_count(2, 30)
    answered: list[str] = []
    for number in range(rounds):
        command = [sys.executable, "kept_server.py", str(tmp_path)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
        ) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            killer = threading.Timer(random.Random(number).uniform(0.05, 0.6), process.kill)
            killer.start()
            sent = ""
            with contextlib.suppress(requests.RequestException):
                while True:
                    sent = f"r{number}-{len(answered)}"
                    rows = json.dumps([{"data_access_group_name": sent}])
                    assert post(url, content="dag", action="import", format="json", data=rows).text == "1"
                    answered.append(sent)
            process.wait()
        with kept(tmp_path) as running:
            groups = post(running.url, content="dag", format="json").json()[2:]
            log = [entry.details for entry in running.project(TOKEN).log.entries()]
        names = [group["data_access_group_name"] for group in groups]
        assert names in (answered, [*answered, sent])
        assert log.count("Import DAGs (API)") == len(names)
        answered = names
    proof(f"sandbox state: {rounds} servers killed while writing, {len(answered)} changes answered, none lost")


def test_changes_from_many_clients_are_all_kept(tmp_path: Path) -> None:
    with kept(tmp_path) as running, ThreadPoolExecutor(8) as pool:
        titles = [f"Project {number}" for number in range(8)]
        bodies = [json.dumps({"project_title": title, "purpose": 0}) for title in titles]
        created = pool.map(
            lambda body: post(running.url, SUPER_TOKEN, content="project", format="json", data=body).text, bodies
        )
        tokens = list(created)
        groups = [json.dumps([{"data_access_group_name": f"Group {number}"}]) for number in range(24)]
        answers = pool.map(
            lambda data: post(running.url, content="dag", action="import", format="json", data=data).text, groups
        )
        assert list(answers) == ["1"] * 24
    with kept(tmp_path) as running:
        projects = [post(running.url, token, content="project", format="json").json() for token in tokens]
        assert [project["project_title"] for project in projects] == titles
        assert len({project["project_id"] for project in projects} | {90, 77}) == 10
        ids = [group["data_access_group_id"] for group in post(running.url, content="dag", format="json").json()]
        assert ids == list(range(331, 331 + 26))
