"""Whatever is done to records, every change that an export shows stands in the log under the record's name.

A state machine does random things to a longitudinal project through the same functions as the API; ``BLIN_PROOF=full``
makes many more runs. Two things the real server's log does not tell either, and so may not here: the old name of a renamed
record, and that a record went with its last event.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from proof import proof_count
from visit_sample import BASE, OTHER, PROJECT, RIGHTS, VISIT, request

from blin_pipeline.sandbox.log import DATA_KINDS, LogFilter
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError
from blin_pipeline.sandbox.records.export import export_table
from blin_pipeline.sandbox.records.importing import ImportOptions, import_records
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.records.removing import delete_records, rename_record

pytestmark = pytest.mark.slow

WHOLE = RecordQuery(groups=True, blank_gray_status=True)
NAMES = st.sampled_from(["1", "2", "3", "4", "5"])
EVENTS = st.sampled_from([BASE, VISIT, OTHER])
INSTANCES = st.sampled_from(["", "1", "2", "new"])
CELLS = st.fixed_dictionaries(
    {},
    optional={
        "height": st.sampled_from(["", "170", "180"]),
        "weight": st.sampled_from(["", "70,5"]),
        "sex": st.sampled_from(["", "1", "2", "7"]),
        "signs___1": st.sampled_from(["", "0", "1"]),
        "score": st.sampled_from(["", "1", "2"]),
        "drug": st.sampled_from(["", "A"]),
        "person_complete": st.sampled_from(["", "0", "2"]),
        "redcap_data_access_group": st.sampled_from(["", "site_a", "site_b"]),
    },
)

Content = dict[str, list[tuple[str, ...]]]


class EditedProject(RuleBasedStateMachine):
    """A project that is edited, and what the export and the log said before the present step."""

    def __init__(self) -> None:
        super().__init__()
        self.project = ProjectState(PROJECT)

    def content(self) -> Content:
        """Record -> its rows as exported."""
        rows: Content = {}
        for row in export_table(self.project, RIGHTS, WHOLE).rows:
            rows.setdefault(str(row[0]), []).append(tuple(map(str, row[1:])))
        return rows

    def lines(self) -> list[tuple[str, str]]:
        """Record and details of every data line, oldest first."""
        written = list(self.project.log.newest_first(LogFilter()))[::-1]
        return [(line.record, line.details) for line in written if line.kind in DATA_KINDS]

    def attempt(self, act: Callable[[], object], *, untold: str = "", may_note_nothing: bool = False) -> bool:
        """Do one step and compare export and log before and after it; whether it was done.

        Args:
            act: The step.
            untold: Record whose disappearance no line tells.
            may_note_nothing: Whether a step that changes nothing may leave a line.
        """
        before, logged = self.content(), len(self.lines())
        refusal = None
        try:
            act()
        except ApiError as error:
            refusal = error
        after, new = self.content(), self.lines()[logged:]
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        assert changed - {record for record, _ in new} <= {untold}, "a change without a line"
        if refusal is not None:
            assert (refusal.status, changed, new) == (400, set(), [])
        if not changed and not may_note_nothing:
            assert new == []
        return refusal is None

    @rule(
        name=NAMES,
        event=EVENTS,
        instrument=st.sampled_from(["", "medicine", "person"]),
        instance=INSTANCES,
        cells=CELLS,
        overwrites=st.booleans(),
    )
    def import_row(
        self, name: str, event: str, instrument: str, instance: str, cells: dict[str, str], overwrites: bool
    ) -> None:
        place = {"redcap_event_name": event, "redcap_repeat_instrument": instrument, "redcap_repeat_instance": instance}
        row = {"record_id": name, **place, **cells}
        self.attempt(lambda: import_records(self.project, RIGHTS, [row], ImportOptions(overwrites=overwrites)))

    @rule(
        name=NAMES,
        event=st.sampled_from(["", BASE, VISIT, OTHER]),
        instrument=st.sampled_from(["", "person", "check", "medicine"]),
        instance=st.sampled_from(["", "1", "2"]),
        arm=st.sampled_from(["", "1", "2"]),
    )
    def delete(self, name: str, event: str, instrument: str, instance: str, arm: str) -> None:
        wanted = {"event": event, "instrument": instrument, "repeat_instance": instance, "arm": arm}
        self.attempt(lambda: delete_records(self.project, RIGHTS, request(records=[name], **wanted)))

    @rule(name=NAMES, new=st.sampled_from(["1", "2", "9", "3.A"]), arm=st.sampled_from(["", "1", "2"]))
    def rename(self, name: str, new: str, arm: str) -> None:
        wanted = request(record=name, new_record_name=new, arm=arm)
        if self.attempt(lambda: rename_record(self.project, RIGHTS, wanted), untold=name):
            assert new in self.content()

    @rule(name=NAMES, score=st.sampled_from(["", "5"]), instance=st.integers(1, 3))
    def save_form(self, name: str, score: str, instance: int) -> None:
        self.attempt(
            lambda: self.project.save(name, "check", instance, {"score": score}, event=VISIT), may_note_nothing=True
        )


EditedProject.TestCase.settings = settings(
    max_examples=proof_count(15, 600),
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestEditedProject = EditedProject.TestCase
