"""``blin sandbox`` as people start it: sources, tokens, state, faults, and what it refuses."""

from __future__ import annotations

import csv
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pycap_sample import PROJECT_XML, create
from redcap.project import Project
from server_sample import DICTIONARY, post

from blin_pipeline.cli.sandbox import write_demo_home
from blin_pipeline.registry.dictionary import COLUMNS
from blin_pipeline.settings import load_settings

pytestmark = pytest.mark.slow

_BLIN = [sys.executable, "-c", "from blin_pipeline.cli import main; main()", "sandbox"]


@contextmanager
def started(*options: str | Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """A running command: its URL, the tokens it printed, the super tokens it printed."""
    command = [*_BLIN, *map(str, options)]
    with (
        tempfile.TemporaryFile("w+") as results,
        subprocess.Popen(command, stdout=results, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        try:
            said = next((line for line in process.stderr if line.startswith("Stop it")), "")
            assert said, "the server did not start"
            results.seek(0)
            printed: dict[str, list[str]] = {"URL": [], "Token": [], "Super token": []}
            for line in results:
                name, value = re.split(r"\s{2,}", line.strip())[:2]
                printed[name].append(value)
            yield printed["URL"][0], printed["Token"], printed["Super token"]
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


def refused(*options: str | Path) -> tuple[int, str]:
    finished = subprocess.run([*_BLIN, *map(str, options)], capture_output=True, text=True, check=False, timeout=60)
    return finished.returncode, finished.stderr


@pytest.fixture
def files(tmp_path: Path) -> Path:
    with (tmp_path / "dictionary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writerow(COLUMNS)
        writer.writerows({name: getattr(field, name) for name in COLUMNS} for field in DICTIONARY.fields)
    (tmp_path / "data.csv").write_text("record_id,sex,baseline_complete\n7,1,2\n", encoding="utf-8")
    (tmp_path / "project.xml").write_text(PROJECT_XML, encoding="utf-8")
    return tmp_path


def test_several_projects_at_once_from_files_xml_and_the_generator(files: Path) -> None:
    options = ("--project-xml", files / "project.xml", "--dictionary", files / "dictionary.csv")
    with started(*options, "--data", files / "data.csv", "--synthetic", "20") as (url, tokens, _):
        projects = [Project(url, token, timeout=20) for token in tokens]
        assert len({project.export_project_info()["project_id"] for project in projects}) == 3
        assert [len(project.export_records(fields=[project.def_field])) for project in projects[:2]] == [2, 1]
        assert projects[2].export_project_info()["project_title"].startswith("SYNTHETIC")
        assert projects[1].import_records([{"record_id": "8", "sex": "2"}]) == {"count": 1}
        assert (
            projects[0].export_survey_link("1", "form_1", "event_1_arm_1").startswith(url.replace("api/", "surveys/"))
        )


def test_a_read_only_token_changes_nothing(files: Path) -> None:
    with started("--project-xml", files / "project.xml", "--read-only") as (url, (token,), _):
        answer = post(url, token, content="record", format="json", data="[]")
    assert (answer.status_code, answer.json()) == (403, {"error": "You do not have API Import/Update privileges"})


def test_state_is_found_again_and_not_mixed_with_other_sources(files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with started("--project-xml", files / "project.xml", "--state", state) as (url, (token,), _):
        assert Project(url, token).import_records([{"record_id": 3, "redcap_repeat_instance": 1, "field_1": 1}]) == {
            "count": 1
        }
    with started("--state", state, "--super-token", "new") as (url, tokens, super_tokens):
        assert tokens == [token]
        assert len(super_tokens) == 1
        assert len(Project(url, token).export_records()) == 3
    code, message = refused("--state", state, "--synthetic", "20")
    assert (code, "E_SANDBOX_STATE" in message) == (2, True)


def test_a_new_super_token_creates_projects(files: Path) -> None:
    options = ("--super-token", "new", "--super-token", "0123456789ABCDEF" * 4)
    with started("--project-xml", files / "project.xml", *options) as (url, _, super_tokens):
        assert re.fullmatch("[0-9A-F]{64}", super_tokens[0])
        assert super_tokens[0] != super_tokens[1]
        assert create(url).def_field == "record_id"


def test_faults_limits_and_version(files: Path) -> None:
    options = ("--fault", "status_html=503,content=instrument,at=2", "--fault", "mutate=delete_record,content=record")
    served = ("--project-xml", files / "project.xml", "--redcap-version", "16.1.3", "--rate-limit", "6")
    with started(*served, *options) as (url, (token,), _):
        assert [post(url, token, content="instrument").status_code for _ in range(3)] == [200, 503, 200]
        assert post(url, token, content="version").text == "16.1.3"
        rows = post(url, token, content="record", format="json", **{"fields[0]": "record_id"}).json()
        assert [row["record_id"] for row in rows] == ["2"]
        assert post(url, token, content="version").status_code == 200
        assert post(url, token, content="version").status_code == 403


def test_a_port_that_is_given_wins_over_the_demonstration_homes(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    write_demo_home(settings, 20)
    own = load_settings(tmp_path).sandbox
    assert own is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for options, expected in (((), own.port), (("--port", str(port)), port)):
        with started("--home", tmp_path, *options) as (url, _, _):
            assert url == f"http://127.0.0.1:{expected}/api/"
            token = settings.token().get_secret_value()
            assert post(url, token, content="project", format="json").json()["project_title"].startswith("SYNTHETIC")


def test_an_older_servers_word_for_a_file(files: Path) -> None:
    (files / "data.csv").write_text("record_id,scan,baseline_complete\n7,scan.pdf,2\n", encoding="utf-8")
    served = ("--dictionary", files / "dictionary.csv", "--data", files / "data.csv")
    for options, shown in (((), "scan.pdf"), (("--document-word", "--old-status-quirk"), "[document]")):
        with started(*served, *options) as (url, (token,), _):
            assert post(url, token, content="record", format="csv", **{"fields[0]": "scan"}).text == f"scan\n{shown}\n"


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        (("--fault", "nonsense"), 2, "E_SANDBOX_FAULT"),
        (("--redcap-version", "latest", "--synthetic", "20"), 2, "E_SANDBOX_PROJECT"),
        (("--super-token", "short", "--synthetic", "20"), 2, "E_SANDBOX_PROJECT"),
        (("--dictionary", "x.csv"), 2, "E_SANDBOX_PROJECT"),
        (("--project-xml", "missing.xml"), 3, "E_PROJECT_XML"),
        (("--synthetic", "20", "--time-zone", "Nowhere/At_All"), 2, "E_SANDBOX_PROJECT"),
    ],
)
def test_what_cannot_be_served_is_said_with_its_code(options: tuple[str, ...], status: int, code: str) -> None:
    found, message = refused(*options)
    assert (found, code in message) == (status, True)
