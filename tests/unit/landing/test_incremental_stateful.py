"""Whatever people do to a project, a pull by change holds what a full one holds: after each of many random steps."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from landing_sample import landed_cells
from proof import proof_count
from pulling import SOURCE, TOKEN, Clock, PullHome, stored_cells

from blin_pipeline.landing.parquet import read_rows
from blin_pipeline.registry.dictionary import Dictionary, Field
from blin_pipeline.sandbox.serve import serving

# The full count takes half an hour and more on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

#: What the runs of this process came to.
COUNTS: Counter[str] = Counter()

GROUPS = ("", "site_1", "site_2")
NAMES = ("S1-1", "S1-2", "S1-10", "S1-9", "S2-1", "7", "07", "70", 'a,"b"', "zoë 3", "S3-5", "S3-50")
TEXTS = st.one_of(
    st.sampled_from(("", "0", "007", "NA", "UNK", " ", "1.70", "=1+1", "two\r\nlines", 'say "so", or not', "Zoë ≥ 5")),
    st.text(alphabet='ab,"\n é0', max_size=6),
)
MINUTES = st.sampled_from((0, 1, 3, 59, 61, 200, 3000))


class EditedProject(RuleBasedStateMachine):
    """A project that people edit, pulled by change after each edit and compared with a full pull of the same moment."""

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="blin-"))
        self.clock = Clock()
        running = self.stack.enter_context(serving({TOKEN: SOURCE}, clock=self.clock))
        self.url, self.state = running.url, running.project(TOKEN)
        self.by_change = PullHome(self.folder / "by_change", self.clock)
        self.by_change.pull(self.url)
        self.n_fields = 0

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()
            shutil.rmtree(self.folder)

    def _records(self) -> list[str]:
        return sorted(self.state.records)

    def _pick(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self._records()))

    def _check(self, what: str, minutes: int) -> None:
        """Pull by change and in full into a folder of its own; both must be the project, cell for cell."""
        COUNTS["steps"] += 1
        COUNTS[f"step: {what}"] += 1
        found, reading = self.by_change.pull(self.url, incremental=True)
        COUNTS[f"read: {reading.mode}"] += 1
        if reading.why_full:
            COUNTS[f"in full: {reading.why_full}"] += 1
        whole, _ = PullHome(self.folder / "in_full", self.clock).pull(self.url)
        assert found.manifest.content_sha256 == whole.manifest.content_sha256
        for form in found.forms:
            keys = [row[:5] for row in read_rows(found.form_path(form))]
            assert len({*keys}) == len(keys)
        assert landed_cells(found) == stored_cells(self.state)
        assert dict(read_rows(found.setup_path("records"))) == {
            name: record.group for name, record in self.state.records.items()
        }
        shutil.rmtree(self.folder / "in_full")
        self.clock.move(minutes=minutes)

    @rule(minutes=MINUTES)
    def nothing(self, minutes: int) -> None:
        self._check("nothing", minutes)

    @rule(data=st.data(), text=TEXTS, minutes=MINUTES)
    @precondition(lambda self: self.state.records)
    def edit(self, data: st.DataObject, text: str, minutes: int) -> None:
        form, column = data.draw(st.sampled_from((("baseline", "code"), ("diary", "feeling"))))
        self.state.save(self._pick(data), form, None, {column: text})
        self._check("edit", minutes)

    @rule(data=st.data(), text=TEXTS, minutes=MINUTES)
    @precondition(lambda self: self.state.records)
    def edit_several(self, data: st.DataObject, text: str, minutes: int) -> None:
        for name in data.draw(st.lists(st.sampled_from(self._records()), max_size=4)):
            self.state.save(name, "baseline", None, {"code": text, "race___2": "1"})
        self._check("several edits", minutes)

    @rule(data=st.data(), option=st.sampled_from(("race___1", "race___2", "race___unk")), minutes=MINUTES)
    @precondition(lambda self: self.state.records)
    def tick(self, data: st.DataObject, option: str, minutes: int) -> None:
        name = self._pick(data)
        ticked = any(row.get(option) == "1" for row in self.state.records[name].rows.values())
        self.state.save(name, "baseline", None, {option: "" if ticked else "1"})
        self._check("tick or untick", minutes)

    @rule(name=st.sampled_from(NAMES), group=st.sampled_from(GROUPS), text=TEXTS, minutes=MINUTES)
    def new_record(self, name: str, group: str, text: str, minutes: int) -> None:
        self.state.save(name, "baseline", None, {"code": text})
        self.state.assign_group(name, group)
        self._check("new or edited record", minutes)

    @rule(data=st.data(), number=st.integers(1, 12), text=TEXTS, minutes=MINUTES)
    @precondition(lambda self: self.state.records)
    def instance(self, data: st.DataObject, number: int, text: str, minutes: int) -> None:
        self.state.save(self._pick(data), "course", number, {"drug": text, "reaction___2": "1"})
        self._check("instance", minutes)

    @rule(data=st.data(), minutes=MINUTES)
    @precondition(lambda self: any(key.instance for record in self.state.records.values() for key in record.rows))
    def delete_instance(self, data: st.DataObject, minutes: int) -> None:
        places = sorted(
            (name, key.instance)
            for name, record in self.state.records.items()
            for key in record.rows
            if key.instrument == "course"
        )
        name, number = data.draw(st.sampled_from(places))
        self.state.clear_form(name, "course", number)
        self._check("instance deleted", minutes)

    @rule(data=st.data(), form=st.sampled_from(("baseline", "diary")), minutes=MINUTES)
    @precondition(lambda self: self.state.records)
    def clear_form(self, data: st.DataObject, form: str, minutes: int) -> None:
        self.state.clear_form(self._pick(data), form)
        self._check("form cleared", minutes)

    @rule(data=st.data(), minutes=MINUTES)
    @precondition(lambda self: len(self.state.records) > 1)
    def delete_record(self, data: st.DataObject, minutes: int) -> None:
        self.state.delete_record(self._pick(data))
        self._check("record deleted", minutes)

    @rule(data=st.data(), minutes=MINUTES)
    @precondition(lambda self: self.state.records)
    def delete_and_enter_again(self, data: st.DataObject, minutes: int) -> None:
        name = self._pick(data)
        self.state.delete_record(name)
        self.state.save(name, "diary", None, {"feeling": "entered again"})
        self._check("deleted and entered again", minutes)

    @rule(data=st.data(), new=st.sampled_from(NAMES), minutes=MINUTES)
    @precondition(lambda self: self.state.records)
    def rename(self, data: st.DataObject, new: str, minutes: int) -> None:
        if new not in self.state.records:
            self.state.rename_record(self._pick(data), new)
        self._check("renamed", minutes)

    @rule(data=st.data(), minutes=MINUTES)
    @precondition(lambda self: len(self.state.records) > 1)
    def swap_names(self, data: st.DataObject, minutes: int) -> None:
        one, other = data.draw(st.lists(st.sampled_from(self._records()), min_size=2, max_size=2, unique=True))
        self.state.rename_record(one, "on the way")
        self.state.rename_record(other, one)
        self.state.rename_record("on the way", other)
        self._check("names swapped", minutes)

    @rule(data=st.data(), group=st.sampled_from(GROUPS), minutes=MINUTES)
    @precondition(lambda self: self.state.records)
    def move(self, data: st.DataObject, group: str, minutes: int) -> None:
        self.state.assign_group(self._pick(data), group)
        self._check("moved to a group", minutes)

    @rule(kind=st.sampled_from(("field", "choice")), minutes=st.sampled_from((0, 200)))
    def new_field_or_choice(self, kind: str, minutes: int) -> None:
        self.n_fields += 1
        fields = list(self.state.dictionary.fields)
        if kind == "field":
            fields.append(Field(field_name=f"late_{self.n_fields}", form_name="course", field_type="text"))
        else:
            place = next(n for n, field in enumerate(fields) if field.field_name == "race")
            choices = fields[place].select_choices_or_calculations + f" | n{self.n_fields}, New {self.n_fields}"
            fields[place] = fields[place].model_copy(update={"select_choices_or_calculations": choices})
        self.state.replace_dictionary(Dictionary(fields=tuple(fields)))
        self._check(f"new {kind}", minutes)


def test_by_change_equals_in_full_after_every_step(record_property: Callable[[str, object], None]) -> None:
    run_state_machine_as_test(
        EditedProject,
        settings=settings(
            max_examples=proof_count(8, 60),
            stateful_step_count=proof_count(8, 30),
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    reached = ", ".join(f"{what} {n}" for what, n in sorted(COUNTS.items()))
    record_property("proof", f"pull by change equals full pull: {reached}")
    assert COUNTS["read: incremental"] > COUNTS["steps"] / 3
