"""What is written per change is enough: after any sequence of changes a restart finds the very state that was served."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from longitudinal_sample import EVERYTHING, LONGITUDINAL, MONTH, OTHER, START
from proof import proof_count
from server_sample import PROJECT, TOKEN

from blin_pipeline.sandbox.host import Host, open_accounts
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError, Upload, parse_parameters
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.server import answer_request
from blin_pipeline.sandbox.state import STATE_FILE, StateFolder
from blin_pipeline.sandbox.state_text import line_text, record_text, setup_text

pytestmark = pytest.mark.slow

EVENTS = ("", START, MONTH, OTHER)
#: Changes of single records: after a change of the set-up everything is compared, which would hide one that is forgotten.
OF_RECORDS = ("import", "import_instance", "delete", "rename", "file", "drop_file")


class Site:
    """A client that does anything that changes a project, at random, whether or not it is allowed."""

    def __init__(self, host: Host, seed: int) -> None:
        self._host = host
        self._random = random.Random(seed)
        self.done: dict[str, int] = {}

    def _send(self, name: str, pairs: dict[str, str], upload: Upload | None = None) -> None:
        given = {"token": TOKEN, "format": "json", **pairs}
        try:
            answer_request(self._host, parse_parameters([*given.items()], {"file": upload} if upload else {}))
        except ApiError:
            return
        self.done[name] = self.done.get(name, 0) + 1

    def _name(self) -> str:
        return self._random.choice(["1", "2", "10", "30", "a b"])

    def step(self, among: Sequence[str]) -> None:
        kind = self._random.choice(among)
        getattr(self, f"do_{kind}")(kind)

    def do_import(self, what: str) -> None:
        event = self._random.choice(EVENTS)
        row = {
            "record_id": self._name(),
            "weight": str(self._random.randint(40, 99)),
            "remark": self._random.choice("äb'"),
        }
        row |= {"redcap_event_name": event} if event else {}
        self._send(what, {"content": "record", "data": json.dumps([row]), "overwriteBehavior": "overwrite"})

    def do_import_instance(self, what: str) -> None:
        event = self._random.choice(EVENTS)
        row = {
            "record_id": self._name(),
            "redcap_repeat_instrument": "visit",
            "redcap_repeat_instance": "2",
            "score": "3",
        }
        row |= {"redcap_event_name": event} if event else {}
        self._send(what, {"content": "record", "data": json.dumps([row])})

    def do_delete(self, what: str) -> None:
        pairs = {"content": "record", "action": "delete", "records[0]": self._name()}
        pairs |= self._random.choice([{}, {"arm": "1"}, {"arm": "2"}, {"event": MONTH}, {"delete_logging": "1"}])
        pairs |= self._random.choice([{}, {"instrument": "visit", "event": START, "repeat_instance": "1"}])
        self._send(what, pairs)

    def do_rename(self, what: str) -> None:
        pairs = {"content": "record", "action": "rename", "record": self._name(), "new_record_name": self._name()}
        self._send(what, pairs | self._random.choice([{}, {"arm": "1"}, {"arm": "2"}]))

    def do_group(self, what: str) -> None:
        rows = [{"data_access_group_name": self._random.choice(["New", "Site A"]), "unique_group_name": ""}]
        self._send(what, {"content": "dag", "action": "import", "data": json.dumps(rows)})

    def do_drop_group(self, what: str) -> None:
        group = self._random.choice(["site_a", "site_b", "new"])
        self._send(what, {"content": "dag", "action": "delete", "dags[0]": group})

    def do_repeat(self, what: str) -> None:
        event = self._random.choice(EVENTS)
        rows = [{"form_name": form} for form in self._random.sample(["visit", "medication", "feedback"], 2)]
        rows = [row | ({"event_name": event} if event else {}) for row in rows]
        self._send(what, {"content": "repeatingFormsEvents", "data": json.dumps(rows)})

    def do_rename_event(self, what: str) -> None:
        rows = [
            {"event_name": self._random.choice(["Month 1", "Month one"]), "arm_num": "1", "unique_event_name": MONTH}
        ]
        self._send(what, {"content": "event", "action": "import", "override": "0", "data": json.dumps(rows)})

    def do_drop_event(self, what: str) -> None:
        self._send(what, {"content": "event", "action": "delete", "events[0]": self._random.choice(EVENTS[1:])})

    def do_longitudinal(self, what: str) -> None:
        data = json.dumps({"is_longitudinal": self._random.choice([0, 1]), "project_title": self._random.choice("xy")})
        self._send(what, {"content": "project_settings", "data": data})

    def do_user(self, what: str) -> None:
        rows = [{"username": self._random.choice(["n", "m"]), "logging": self._random.choice([0, 1])}]
        self._send(what, {"content": "user", "action": "import", "data": json.dumps(rows)})

    def do_file(self, what: str) -> None:
        pairs = {"content": "file", "record": self._name(), "field": "scan", "event": self._random.choice(EVENTS)}
        content = Upload("a b.txt", self._random.randbytes(9), "text/plain")
        self._send(what, pairs | {"action": "import"}, content)

    def do_drop_file(self, what: str) -> None:
        pairs = {"content": "file", "action": "delete", "record": self._name(), "field": "scan", "event": START}
        self._send(what, pairs)

    def do_folder(self, what: str) -> None:
        self._send(what, {"content": "fileRepository", "action": "createFolder", "name": self._random.choice("FGH")})

    def do_read(self, what: str) -> None:
        self._send(what, {"content": "record", "type": "flat"})


#: Every change that the site knows.
ANYTHING = tuple(name.removeprefix("do_") for name in dir(Site) if name.startswith("do_"))


def _all_of(project: ProjectState) -> tuple[object, ...]:
    return (
        setup_text(project),
        {name: record_text(record) for name, record in project.records.items()},
        dict(project.files),
        [line_text(entry) for entry in project.log.entries()],
        project.clock(),
    )


@pytest.mark.parametrize("source", [PROJECT, LONGITUDINAL], ids=["classic", "longitudinal"])
def test_a_restart_after_any_changes(source: SourceProject, tmp_path: Path) -> None:
    done: dict[str, int] = {}
    for seed in range(proof_count(12, 200)):
        folder = tmp_path / f"{seed}"
        state = StateFolder(folder)
        accounts = open_accounts({TOKEN: source}, {TOKEN: EVERYTHING})
        state.keep_account(TOKEN, accounts[TOKEN])
        site = Site(Host(accounts, keeper=state), seed)
        for _ in range(20):
            site.step(ANYTHING)
        for _ in range(12):
            site.step(OF_RECORDS)
        site.do_read("read")  # A refused request moves the clock, and nothing is kept.
        state.close()
        again = StateFolder(folder)
        kept = again.load()[TOKEN]
        again.close()
        assert _all_of(kept.project) == _all_of(accounts[TOKEN].project), f"seed {seed}"
        for name, count in site.done.items():
            done[name] = done.get(name, 0) + count
    refused = {"drop_event", "rename_event"} if source is PROJECT else set()
    assert {*ANYTHING} - {*done} <= refused


def test_a_record_of_which_one_arm_is_renamed(tmp_path: Path) -> None:
    """Two records change by one line of the log."""
    state = StateFolder(tmp_path)
    accounts = open_accounts({TOKEN: LONGITUDINAL}, {TOKEN: EVERYTHING})
    state.keep_account(TOKEN, accounts[TOKEN])
    host = Host(accounts, keeper=state)
    rows = [{"record_id": "both", "redcap_event_name": event, "weight": "70"} for event in (START, OTHER)]
    record = [("token", TOKEN), ("content", "record"), ("format", "json")]
    answer_request(host, parse_parameters([*record, ("data", json.dumps(rows))]))
    new_name = [("action", "rename"), ("record", "both"), ("new_record_name", "second"), ("arm", "2")]
    answer_request(host, parse_parameters([*record, *new_name]))
    state.close()
    again = StateFolder(tmp_path)
    kept = again.load()[TOKEN].project
    again.close()
    assert [key.event for key in kept.records["both"].rows] == [START]
    assert [key.event for key in kept.records["second"].rows] == [OTHER]


def test_a_change_writes_its_own_record_and_nothing_else(tmp_path: Path) -> None:
    """The file's own counter of changed rows: a record, its log lines and the clock, however many records there are."""
    state = StateFolder(tmp_path)
    accounts = open_accounts({TOKEN: LONGITUDINAL}, {TOKEN: EVERYTHING})
    state.keep_account(TOKEN, accounts[TOKEN])
    host = Host(accounts, keeper=state)
    rows = [{"record_id": f"n{number}", "redcap_event_name": START, "weight": "70"} for number in range(500)]
    for row in ([*rows], [{"record_id": "n7", "redcap_event_name": START, "weight": "71"}]):
        before = state._file.total_changes
        answer_request(
            host,
            parse_parameters([("token", TOKEN), ("content", "record"), ("format", "json"), ("data", json.dumps(row))]),
        )
        written = state._file.total_changes - before
    assert written == 3, "one record, one log line, the clock"
    state.close()
    with sqlite3.connect(tmp_path / STATE_FILE) as file:
        assert file.execute("SELECT count(*) FROM record").fetchone()[0] == len(accounts[TOKEN].project.records)
