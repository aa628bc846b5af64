"""What is gone since the last pull must be explained by the log, or by a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from landing_sample import FIELDS, HEADER, ROWS, landed

from blin_pipeline.errors import BlinError
from blin_pipeline.landing.compare import refuse_shrunk_sites, refuse_unexplained_loss
from blin_pipeline.landing.loss import Loss
from blin_pipeline.landing.pull import Pull
from blin_pipeline.redcap.setup_rows import LogEntry


def _log(action: str, record: str, details: str = "") -> LogEntry:
    return LogEntry(timestamp="2026-07-01 05:00", username="x", action=action, details=details, record=record)


@pytest.fixture
def without_record(pulls_dir: Path) -> Pull:
    return landed(pulls_dir, [row for row in ROWS if row[0] != "9"])


@pytest.fixture
def without_instance(pulls_dir: Path) -> Pull:
    return landed(pulls_dir, [row for row in ROWS if row[2] != "2"])


def _renamed(pulls_dir: Path) -> Pull:
    return landed(pulls_dir, [("9b", *row[1:]) if row[0] == "9" else row for row in ROWS])


DELETED = _log("Delete record 9", "9", "record_id = '9'")
RENAMED = _log("Update record 9b", "9b", "record_id = '9b'")
EDITED = _log("Update record (API) 10", "10", "[instance = 2], drug = ''")


def test_nothing_gone(pull: Pull, pulls_dir: Path) -> None:
    grown = landed(pulls_dir, [*ROWS, ("12", "", "", "site_2", "new", "", "0", "0", "2", "", "", "")])
    assert refuse_unexplained_loss(pull, grown, []) == Loss()


@pytest.mark.parametrize("log", [None, [], [EDITED], [_log("Delete record 10", "10")], [_log("Update record 9", "9")]])
def test_lost_record_without_a_reason(log: list[LogEntry] | None, pull: Pull, without_record: Pull) -> None:
    with pytest.raises(BlinError) as caught:
        refuse_unexplained_loss(pull, without_record, log)
    assert caught.value.code == "E_UNEXPLAINED_LOSS"
    assert "1 records" in caught.value.what
    assert refuse_unexplained_loss(pull, without_record, log, accepted=True).records == 1


def test_deleted_record(pull: Pull, without_record: Pull) -> None:
    assert refuse_unexplained_loss(pull, without_record, [DELETED]) == Loss(records=1)


@pytest.mark.parametrize(("seen", "explains"), [("2026-07-01 05:30", True), ("2026-07-01 06:30", False)])
def test_a_line_that_the_previous_pull_had_seen_explains_nothing(
    seen: str, explains: bool, pull: Pull, without_record: Pull
) -> None:
    """The record was deleted at 05:00 and entered again; an hour is granted to a clock that was put back."""
    if explains:
        assert refuse_unexplained_loss(pull, without_record, [DELETED], seen=seen) == Loss(records=1)
        return
    with pytest.raises(BlinError) as caught:
        refuse_unexplained_loss(pull, without_record, [DELETED], seen=seen)
    assert caught.value.code == "E_UNEXPLAINED_LOSS"


def test_renamed_record(pull: Pull, pulls_dir: Path) -> None:
    renamed = _renamed(pulls_dir)
    assert refuse_unexplained_loss(pull, renamed, [RENAMED]) == Loss(records=1)
    with pytest.raises(BlinError):
        refuse_unexplained_loss(pull, renamed, [])


def test_a_renaming_explains_one_record_only(pull: Pull, pulls_dir: Path) -> None:
    fewer = landed(pulls_dir, [("9b", *row[1:]) if row[0] == "9" else row for row in ROWS if row[0] != "11"])
    with pytest.raises(BlinError, match="1 records"):
        refuse_unexplained_loss(pull, fewer, [RENAMED])


def test_lost_instance(pull: Pull, without_instance: Pull) -> None:
    """An instance goes without a word of deletion in the log: an edit of its record explains it."""
    assert refuse_unexplained_loss(pull, without_instance, [EDITED]) == Loss(rows={"course": 1})
    with pytest.raises(BlinError, match="1 rows"):
        refuse_unexplained_loss(pull, without_instance, [])


def test_without_a_log_nothing_explains_a_lost_row(pull: Pull, without_instance: Pull) -> None:
    with pytest.raises(BlinError, match="1 rows"):
        refuse_unexplained_loss(pull, without_instance, None)
    loss = refuse_unexplained_loss(pull, without_instance, None, accepted=True)
    assert loss == Loss(rows={"course": 1}, unexplained_rows=1)
    assert loss.is_unexplained
    assert loss.in_words == "1 rows of course"


@pytest.mark.parametrize("dropped", [{"dose"}, {"drug", "dose", "course_complete"}])
def test_columns_that_a_file_lost_are_a_loss(dropped: set[str], pull: Pull, pulls_dir: Path) -> None:
    """No row need be gone for it: the dictionary still names the field, and the file has it no longer."""
    kept = [place for place, name in enumerate(HEADER) if name not in dropped]
    fewer = landed(pulls_dir, [[row[place] for place in kept] for row in ROWS], [HEADER[place] for place in kept])
    with pytest.raises(BlinError, match=f"{len(dropped)} columns"):
        refuse_unexplained_loss(pull, fewer, None)
    assert refuse_unexplained_loss(pull, fewer, None, accepted=True).columns == {"course": len(dropped)}


def test_columns_of_a_field_that_the_dictionary_lost_are_none(pull: Pull, pulls_dir: Path) -> None:
    kept = [place for place, name in enumerate(HEADER) if name != "dose"]
    fields = [field for field in FIELDS if field[0] != "dose"]
    rows = [[row[place] for place in kept] for row in ROWS]
    fewer = landed(pulls_dir, rows, [HEADER[place] for place in kept], fields=fields)
    assert refuse_unexplained_loss(pull, fewer, None) == Loss()


def test_lost_instrument_counts_as_lost_rows(pull: Pull, pulls_dir: Path) -> None:
    header = [name for name in HEADER if name not in {"drug", "dose", "course_complete"}]
    fewer = landed(pulls_dir, [row[: len(header)] for row in ROWS if not row[1]], header, fields=FIELDS)
    with pytest.raises(BlinError, match="3 rows"):
        refuse_unexplained_loss(pull, fewer, [])


def test_message_names_no_record(pull: Pull, pulls_dir: Path) -> None:
    fewer = landed(pulls_dir, [row for row in ROWS if row[0] != "11"])
    with pytest.raises(BlinError) as caught:
        refuse_unexplained_loss(pull, fewer, [])
    assert "11" not in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "is_refused"),
    [
        ("42", "7", True),
        ("42", "us/42", True),
        ("de/7,us/42", "us/42", True),
        ("de/7,us/42", "de/8,us/42", True),
        ("us/42", "de/7,us/42", False),
    ],
)
def test_one_more_of_several_projects_is_no_other_source(before: str, after: str, is_refused: bool, pull: Pull) -> None:
    previous, current = (
        Pull(pull.path, pull.manifest.model_copy(update={"project_id": project})) for project in (before, after)
    )
    if not is_refused:
        assert refuse_unexplained_loss(previous, current, []) == Loss()
        return
    with pytest.raises(BlinError) as caught:
        refuse_unexplained_loss(previous, current, [])
    assert caught.value.code == "E_PROJECT_CHANGED"


def test_lost_group(pull: Pull, pulls_dir: Path) -> None:
    fewer = landed(pulls_dir, [row for row in ROWS if row[3] != "site_2"])
    with pytest.raises(BlinError) as caught:
        refuse_shrunk_sites(pull, fewer)
    assert caught.value.code == "E_SITE_SET_SHRUNK"
    assert "site_2" not in str(caught.value)
    refuse_shrunk_sites(fewer, pull)
