"""A server that tires of whole instruments gives them in batches; one that is down is not flogged."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from redcap_sample import ROWS, TOKEN, client, project

from blin_pipeline.redcap.export import ReadingPlan, export_project
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.fates import Fate
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.rows import read_form
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultPlan
from blin_pipeline.sandbox.faults import FaultKind as K
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.serve import serving

pytestmark = pytest.mark.slow

NOTE = "The server could not give whole instruments; records were read in batches."


def _many(n_records: int) -> SourceProject:
    more = [f"S9-{number}" for number in range(n_records - 3)]
    rows = tuple(FormRow(name, "course", 1, {"drug": f"drug {name}", "course_complete": "2"}) for name in more)
    return project(
        rows=(*ROWS, *rows),
        record_groups={"S1-10": "site_1", "S1-9": "site_1", "S2-1": "site_2", **dict.fromkeys(more, "site_2")},
    )


def _landed(export: ProjectExport) -> Counter[tuple[object, ...]]:
    return Counter(
        (file.form, row.key, row.group, tuple(row.cells))
        for file in export.forms
        for row in read_form(file, export.setup)
        if row.fate is Fate.LANDED
    )


@pytest.fixture
def whole(tmp_path: Path) -> ProjectExport:
    """A project of eleven records, read whole."""
    folder = tmp_path / "whole"
    folder.mkdir()
    with serving({TOKEN: _many(11)}) as running:
        return export_project(client(running.url), folder)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 11, 500])
def test_batches_give_the_very_bytes_of_the_whole(size: int, whole: ProjectExport, workspace: Path) -> None:
    with serving({TOKEN: _many(11)}) as running:
        found = export_project(client(running.url), workspace, ReadingPlan(records_per_request=size))

    assert [file.path.read_bytes() for file in found.forms] == [file.path.read_bytes() for file in whole.forms]
    assert found.census.fingerprint == whole.census.fingerprint
    assert found.notes == ()
    n_batches = -(-11 // size)
    records = Counter(form for content, form in running.requests if content == "record")
    assert records == {"baseline": n_batches, "course": n_batches, "diary": n_batches, None: 2 * (n_batches + 1)}


@pytest.mark.parametrize("kind", [K.STATUS_HTML, K.STATUS_HALF_BODY, K.HANG, K.DRIP, K.MEMORY_SENTENCE])
@pytest.mark.parametrize("form", [None, "course"])
def test_tired_server_is_asked_for_less(kind: K, form: str | None, whole: ProjectExport, workspace: Path) -> None:
    """The fault strikes the first census or the first request of an instrument, as often as the whole is asked for."""
    times = 1 if kind in {K.DRIP, K.MEMORY_SENTENCE} else 2
    fault = Fault(kind, content="record", form=form, times=times, argument=0.4 if kind is K.DRIP else None)
    limits = {"attempts": 5, "read_seconds": 0.5, "deadline_seconds": 1.0 if kind is K.DRIP else 20.0}
    with serving({TOKEN: _many(11)}, faults=FaultPlan([fault])) as running:
        found = export_project(client(running.url, **limits), workspace)
    assert _landed(found) == _landed(whole)
    assert found.notes == (NOTE,)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_batch_is_halved_until_the_server_can(limit: int, whole: ProjectExport, workspace: Path) -> None:
    """The server fails each request for more than so many records."""

    class Weak(FaultPlan):
        def strike(self, request: object) -> Fault | None:
            if request.content != "record" or request.form is None:  # type: ignore[attr-defined]
                return None
            n_asked = len(request.array("records")) or 11  # type: ignore[attr-defined]
            return Fault(K.STATUS_EMPTY, argument=504) if n_asked > limit else None

    with serving({TOKEN: _many(11)}, faults=Weak()) as running:
        found = export_project(client(running.url), workspace)
    assert [file.path.read_bytes() for file in found.forms] == [file.path.read_bytes() for file in whole.forms]


def test_record_that_the_server_can_never_give_ends_the_pull(workspace: Path) -> None:
    faults = FaultPlan([Fault(K.STATUS_HTML, content="record", form="course", times=ALWAYS, argument=502)])
    with serving({TOKEN: _many(5)}, faults=faults) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.code == "E_HTTP_5XX"


def test_outage_is_waited_for_and_not_taken_for_weight(whole: ProjectExport, workspace: Path) -> None:
    """While nothing at all is answered, the same request is repeated: five times in all."""

    class Down(FaultPlan):
        asked = 0

        def strike(self, request: object) -> Fault | None:
            self.asked += bool(self.asked) or request.form == "course"  # type: ignore[attr-defined]
            return Fault(K.STATUS_EMPTY, argument=503) if 1 <= self.asked <= 4 else None

    with serving({TOKEN: _many(11)}, faults=Down()) as running:
        found = export_project(client(running.url, attempts=5), workspace)
    assert _landed(found) == _landed(whole)
    assert found.notes == ()


def test_batch_with_rows_that_were_not_asked_for_is_refused(workspace: Path) -> None:
    """A server that ignores the list of records would otherwise give every row in every batch."""

    class Deaf(FaultPlan):
        def strike(self, request: object) -> Fault | None:
            if request.form == "course":  # type: ignore[attr-defined]
                request.arrays.pop("records", None)  # type: ignore[attr-defined]
            return None

    with serving({TOKEN: _many(11)}, faults=Deaf()) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace, ReadingPlan(records_per_request=4))
    assert caught.value.code == "E_SCHEMA"


@pytest.mark.parametrize("at", [1, 2, 3])
def test_batch_that_loses_rows_is_seen(at: int, workspace: Path) -> None:
    fault = Fault(K.CUT_AT_ROW, content="record", form="course", at=at, times=ALWAYS, argument=1)
    plan = ReadingPlan(records_per_request=4)
    with serving({TOKEN: _many(11)}, faults=FaultPlan([fault])) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace, plan)
    assert caught.value.code == "E_INCOMPLETE"
