"""Every kind of log line: what may have changed data counts, what cannot does not, and only plain words explain a loss.

The wordings are those of recorded logs, of client libraries' tests and of REDCap's public validation scripts; the last
block is the sandbox's own log.
"""

from __future__ import annotations

import pytest
from redcap_sample import TOKEN, project

from blin_pipeline.redcap.change_log import moved_between
from blin_pipeline.redcap.log_lines import (
    deletes_record,
    edits_set_up,
    may_change_data,
    takes_from_record,
    updates_record,
)
from blin_pipeline.redcap.setup_rows import LogEntry
from blin_pipeline.sandbox.host import open_accounts

DATA = [
    ("Create record 5", "record_id = '5'", "5"),
    ("Create record (API) 5", "record_id = '5'", "5"),
    ("Create record (import) 5", "record_id = '5'", "5"),
    ("Create record 1-2", "record_id = '1-2', dag_rand = '2', randomization_complete = '0'", "1-2"),
    ("Created Record 5", "record_id = '5'", "5"),
    ("Created Record", "ptname = 'x', record_id = '3'", "3"),
    ("Create Response 4", "remark = 'x'", "4"),
    ("Update record 1", "calc_rand = '1'", "1"),
    ("Update record 1 (Event 1 (Arm 1: Arm 1))", "[instance = 3], name = 'x'", "1"),
    ("Update record (import) 5", "name = 'x'", "5"),
    ("Update record (API) 5", "name = ''", "5"),
    ("Update record (Auto calculation) 1 (Event 1 (Arm 1: Arm 1))", "bmi = '22.1'", "1"),
    ("UPDATE RECORD 1", "name = 'x'", "1"),
    (" Update record 1", "name = 'x'", "1"),
    ("Updated Record 1", "email = 'x'", "1"),
    ("Update Response 1", "remark = 'x'", "1"),
    ("Updated Response 1 (Event 1 (Arm 1: Arm 1))", "remark = 'x'", "1"),
    ("Update record1", "record_id = '1.A'", "1.A"),
    ("Update record 1", "Assign record to Data Access Group (redcap_data_access_group = 'dag_1')", "1"),
    ("Update record 1", "Remove record from Data Access Group (redcap_data_access_group = '')", "1"),
    ("Update record 1", "scan = '22'", "1"),
    ("Update record 1", "checkbox(1) = checked, checkbox(2) = unchecked", "1"),
    ("Delete record 5", "record_id = '5'", "5"),
    ("Deleted Record", "record_id = '3'", "3"),
    ("Deleted Record 3", "record_id = '3'", "3"),
    ("Randomize Record 1-2", "Randomize record", "1-2"),
    ("Assign record to Data Access Group", "redcap_data_access_group = 'dag_1'", "5"),
    ("Upload document", "scan = '22'", "5"),
    ("Delete uploaded document", "scan", "5"),
    ("Something of a later version", "", "5"),
    ("Manage/Design", "Delete uploaded document from record", "5"),
    ("Manage/Design", "Delete event", ""),
    ("Manage/Design", "Delete arm", ""),
    ("Manage/Design ", "Delete events (API)", ""),
    ("Manage/Design", "Import arms (API)", ""),
    ("Manage/Design", "Erase all data", ""),
]
NO_DATA = [
    ("Lock/Unlock Record 3", "Lock record Record: 3 Form: Text Validation", "3"),
    ("Lock/Unlock Record", "Unlock record Record: 3", "3"),
    ("E-signature", "e-signature Record: 1 Form: Text Validation", "1"),
    ("E-signature 1", "Negate e-signature", "1"),
    ("Esignature", "", "1"),
    ("Data export", "Export data (API)", ""),
    ("Data Export", "Download exported data file (CSV raw)", ""),
    ("Page View", "https://redcap.example.org/DataEntry/index.php?id=1", "1"),
    ("Manage/Design ", "Export Logging (API)", ""),
    ("Manage/Design", "Export instruments (API)", ""),
    ("Manage/Design", "Download all data entry forms as PDF (all records)", ""),
    ("Manage/Design", "Download data entry form as PDF (with data)", "1"),
    ("Manage/Design", "Verified data value (Record: 1, Event: Event 1 (Arm 1: Arm 1), Field: email)", "1"),
    ("Manage/Design", "Send survey invitation to participants", "1"),
    ("Manage/Design", "Create project field", ""),
    ("Manage/Design", "Create event", ""),
    ("Manage/Design", "Create arm", ""),
    ("Manage/Design", "Rename data collection instrument", ""),
    ("Manage/Design", "Reorder data collection instruments", ""),
    ("Manage/Design", "Move project to Production status", ""),
    ("Manage/Design", "Make project customizations", ""),
    ("Add user x", "user = 'x'", ""),
    ("Edit user x", "user = 'x'", ""),
    ("Delete user x", "user = 'x'", ""),
    ("Updated User test_user2", "user = 'test_user2'", ""),
    ("Create user role", "role = 'Data'", ""),
    ("Edited Role", "role = 'Data'", ""),
    ("Deleted Role ", "role = 'Data'", ""),
    ("", "", ""),
]


def _line(action: str, details: str, record: str) -> LogEntry:
    return LogEntry(timestamp="2026-07-01 06:00", username="someone", action=action, details=details, record=record)


@pytest.mark.parametrize("cells", DATA, ids=str)
def test_line_that_may_have_changed_data_counts(cells: tuple[str, str, str]) -> None:
    line = _line(*cells)
    assert may_change_data(line)
    assert moved_between([], [line]) == 1
    assert moved_between([line], [line]) == 0
    assert moved_between([line], [line, line]) == 1, "lines of one minute are counted, not ordered"


@pytest.mark.parametrize("cells", NO_DATA, ids=str)
def test_line_that_leaves_data_alone_does_not_count(cells: tuple[str, str, str]) -> None:
    assert not may_change_data(_line(*cells))
    assert moved_between([], [_line(*cells)]) == 0


def test_only_a_deletion_explains_that_a_record_is_gone() -> None:
    found = [cells for cells in [*DATA, *NO_DATA] if deletes_record(_line(*cells))]
    assert [action for action, _, _ in found] == ["Delete record 5", "Deleted Record", "Deleted Record 3"]


def test_only_an_edit_or_a_deletion_explains_that_rows_are_gone() -> None:
    explaining = {cells[0] for cells in [*DATA, *NO_DATA] if takes_from_record(_line(*cells))}
    assert explaining == {
        action for action, _, _ in DATA if action.strip().lower().startswith(("update", "delete"))
    } - {"Delete uploaded document"}


def test_a_renaming_is_an_update_and_a_response_is_not_a_record() -> None:
    assert updates_record(_line("Update record1", "record_id = '1.A'", "1.A"))
    assert updates_record(_line("Updated Record 1", "record_id = '1.A'", "1.A"))
    assert not updates_record(_line("Update Response 1", "record_id = '1.A'", "1.A"))
    assert not updates_record(_line("Create record 1", "record_id = '1.A'", "1.A"))


@pytest.mark.parametrize(
    ("action", "details", "edits"),
    [
        ("Manage/Design", "Create project field", True),
        ("Manage/Design ", "Upload data dictionary", True),
        ("Manage/Design", "Import DAGs (API)", True),
        ("Manage/Design", "Export Logging (API)", False),
        ("Manage/Design ", "Download data dictionary (API)", False),
        ("Edit user x", "user = 'x'", True),
        ("Updated User x", "user = 'x'", True),
        ("Deleted Role", "role = 'Data'", True),
        ("Create user role", "role = 'Data'", True),
        ("Update record 1", "name = 'x'", False),
        ("Data export", "", False),
        ("Page View", "", False),
        ("Lock/Unlock Record 3", "", False),
    ],
)
def test_edits_of_design_rights_and_groups(action: str, details: str, *, edits: bool) -> None:
    assert edits_set_up(_line(action, details, "")) == edits


def test_every_change_of_a_sandbox_project_counts() -> None:
    state = open_accounts({TOKEN: project()})[TOKEN].project
    changes = [
        lambda: state.save("S9-1", "baseline", None, {"code": "1"}),
        lambda: state.save("S9-1", "baseline", None, {"code": "2"}),
        lambda: state.save("S9-1", "baseline", None, {"scan": "7"}),
        lambda: state.clear_form("S1-10", "course", 2),
        lambda: state.assign_group("S1-10", "site_2"),
        lambda: state.rename_record("S1-10", "S2-10"),
        lambda: state.delete_record("S2-1"),
    ]
    for change in changes:
        before = [_line(*entry.cells[2:]) for entry in state.log.entries()]
        change()
        after = [_line(*entry.cells[2:]) for entry in state.log.entries()]
        assert moved_between(before, after) == 1
