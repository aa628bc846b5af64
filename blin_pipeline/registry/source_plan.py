"""What a field map means for one source project: which instruments and events feed each of the registry's instruments.

Pure: a map, the registry's dictionary and the shape of a source give a plan, or a list of what a person must correct. The
plan travels to the base models as the dbt variable ``source_plan``; an instrument that differs in nothing is not in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from blin_pipeline.registry.dictionary import Dictionary, Field, checkbox_column
from blin_pipeline.registry.field_map import FieldMap, MapEntry

#: Instance numbers of an instrument that stands in several events: place of the event times this, plus the instance.
EVENT_STRIDE = 10_000


@dataclass(frozen=True)
class SourceShape:
    """What a source project has, as far as a plan needs it.

    Attributes:
        columns: Instrument -> its export columns.
        events: Instrument -> events that it stands in, in order; one blank event in a classic project.
        repeating: ``(instrument, event)`` whose rows carry an instance.
        has_groups: Whether any record belongs to a data access group.
        is_longitudinal: Whether the project has events.
    """

    columns: Mapping[str, Collection[str]]
    events: Mapping[str, Sequence[str]]
    repeating: Collection[tuple[str, str]]
    has_groups: bool
    is_longitudinal: bool

    def form_of(self, column: str) -> str | None:
        """The one instrument that has an export column; names are unique within a REDCap project."""
        return next((form for form, columns in self.columns.items() if column in columns), None)


class FormSource(NamedTuple):
    """Rows of one instrument of the source, of all its events or of the named ones."""

    form: str
    events: tuple[str, ...]


@dataclass(frozen=True)
class ColumnPlan:
    """How one canonical column comes about.

    Attributes:
        source: Position among the form's sources; None for a constant.
        fields: Source columns.
        transform: As in the map, or ``any`` (a checkbox option that several options of the source mean).
        entry: The row of the map; None for identity.
    """

    source: int | None
    fields: tuple[str, ...]
    transform: str
    entry: MapEntry | None = None


@dataclass
class FormPlan:
    """One canonical instrument: where its rows come from and how each column is made."""

    form: str
    repeats: bool
    sources: list[FormSource] = field(default_factory=list)
    columns: dict[str, ColumnPlan] = field(default_factory=dict)


@dataclass(frozen=True)
class SourcePlan:
    """The plan of a source.

    Attributes:
        forms: Canonical instrument -> plan, every instrument of the registry.
        not_collected: ``(instrument, field)`` that the source does not have.
        problems: What a person must correct in the map before anything can run, one sentence each.
        collected: Concepts that the source feeds.
        shape: The source.
    """

    forms: Mapping[str, FormPlan]
    not_collected: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    collected: frozenset[str]
    shape: SourceShape

    def variables(self) -> dict[str, Any]:
        """The dbt variable ``source_plan``: instruments that differ from identity; empty when none does."""
        return {form: _variable(plan, self.shape) for form, plan in self.forms.items() if not self._is_identity(plan)}

    def once_only_sources(self) -> list[tuple[str, FormSource]]:
        """Sources that must hold at most one row per record, with the canonical instrument that they feed."""
        return [(plan.form, source) for plan in self.forms.values() if not plan.repeats for source in plan.sources]

    def _is_identity(self, plan: FormPlan) -> bool:
        if self.shape.is_longitudinal or any(column.entry is not None for column in plan.columns.values()):
            return False
        if not plan.sources:
            return plan.form not in self.shape.columns
        return [source.form for source in plan.sources] == [plan.form]


def plan_source(
    field_map: FieldMap, dictionary: Dictionary, repeating: Collection[str], shape: SourceShape
) -> SourcePlan:
    """Resolve a map against a source.

    Args:
        field_map: Map of this source.
        dictionary: The registry's dictionary.
        repeating: The registry's repeating instruments.
        shape: What the source has.
    """
    collected = {"record_id"} | ({"redcap_data_access_group"} if shape.has_groups else set())
    plans: dict[str, FormPlan] = {}
    missing: list[tuple[str, str]] = []
    problems: list[str] = []
    for form in dictionary.forms:
        planner = _FormPlanner(form, form in repeating, shape)
        for one in dictionary.form_fields(form):
            if one.field_name == dictionary.record_id_field or not one.export_names():
                continue
            if planner.add(field_map, one):
                collected |= {one.field_name, *one.export_names()}
            else:
                missing.append((form, one.field_name))
        plans[form] = planner.finish()
        problems += planner.problems
    return SourcePlan(plans, tuple(missing), tuple(problems), frozenset(collected), shape)


class _FormPlanner:
    """Plans one canonical instrument."""

    def __init__(self, form: str, repeats: bool, shape: SourceShape) -> None:
        self.problems: list[str] = []
        self._form, self._repeats, self._shape = form, repeats, shape
        self._wanted: dict[str, tuple[str, tuple[str, ...], MapEntry | None, tuple[str, ...], str]] = {}
        self._constants: dict[str, MapEntry] = {}

    def add(self, field_map: FieldMap, one: Field) -> bool:
        """Take one field in; whether the source feeds any column of it."""
        columns = one.export_names()
        found = [self._add_column(concept, entry) for concept, entry in self._entries(field_map, one, columns)]
        return any(found)

    def _entries(
        self, field_map: FieldMap, one: Field, columns: list[str]
    ) -> list[tuple[str, tuple[MapEntry | None, tuple[str, ...], str]]]:
        """Each canonical column with its row, source columns and transform."""
        whole = field_map.entry(one.field_name)
        rows: list[tuple[str, tuple[MapEntry | None, tuple[str, ...], str]]] = []
        for code, column in zip(one.choices or [""], columns, strict=False):
            entry = field_map.entry(column)
            if one.field_type == "checkbox" and entry is None and whole is not None:
                rows.append((column, self._option(whole, code)))
            elif entry is None:
                rows.append((column, (None, (column,), "as_is")))
            else:
                rows.append((column, (entry, entry.source_fields, entry.transform)))
        return rows

    @staticmethod
    def _option(whole: MapEntry, code: str) -> tuple[MapEntry, tuple[str, ...], str]:
        """One option of a checkbox that the map names as a whole."""
        if whole.transform not in {"as_is", "recode"}:
            return whole, (), "absent"
        raw = [code] if whole.transform == "as_is" else [r for r, canonical in whole.codes.items() if canonical == code]
        return whole, tuple(checkbox_column(whole.source_field, one) for one in raw), "any"

    def _add_column(self, concept: str, planned: tuple[MapEntry | None, tuple[str, ...], str]) -> bool:
        entry, fields, transform = planned
        if entry is not None and transform == "constant":
            self._constants[concept] = entry
            return True
        if not fields:
            return False
        forms = [self._shape.form_of(name) for name in fields]
        absent = [name for name, form in zip(fields, forms, strict=True) if form is None]
        if absent:
            if entry is not None and entry.on_missing == "error":
                self.problems.append(f"{concept}: the source has no column {', '.join(absent)}")
            return False
        form = str(forms[0])
        if len({*forms}) > 1:
            self.problems.append(f"{concept}: its source fields stand in several instruments")
            return False
        if entry is not None and entry.source_form and entry.source_form != form:
            self.problems.append(f"{concept}: {fields[0]} belongs to {form}, not to {entry.source_form}")
            return False
        events = entry.source_events if entry is not None else ()
        unknown = [event for event in events if event not in self._shape.events.get(form, ())]
        if unknown:
            self.problems.append(f"{concept}: {form} does not stand in event {unknown[0]}")
            return False
        self._wanted[concept] = (form, events, entry, fields, transform)
        return True

    def finish(self) -> FormPlan:
        """The plan; what contradicts itself is noted in ``problems``."""
        plan = FormPlan(self._form, self._repeats)
        named: dict[str, list[tuple[str, ...]]] = {}
        for form, events, *_ in self._wanted.values():
            if events and events not in named.setdefault(form, []):
                named[form].append(events)
        for concept, (form, events, entry, fields, transform) in self._wanted.items():
            choices = named.get(form, [])
            if not events and len(choices) > 1:
                self.problems.append(f"{concept}: name its event, other fields of {form} come from different events")
                continue
            source = FormSource(form, events or (choices[0] if choices else ()))
            if source not in plan.sources:
                plan.sources.append(source)
            plan.columns[concept] = ColumnPlan(plan.sources.index(source), fields, transform, entry)
        for concept, entry in self._constants.items():
            plan.columns[concept] = ColumnPlan(None, (), "constant", entry)
        self._check_rows(plan)
        return plan

    def _check_rows(self, plan: FormPlan) -> None:
        """A once-only instrument needs one row per patient, a repeating one rows of one instrument."""
        if plan.repeats:
            if len(plan.sources) > 1:
                names = ", ".join(sorted({source.form for source in plan.sources}))
                self.problems.append(
                    f"{plan.form} has one row per instance and would be fed from several places ({names})"
                )
            return
        for source in plan.sources:
            events = source.events or tuple(self._shape.events.get(source.form, ("",)))
            if len(events) > 1 and not source.events:
                self.problems.append(
                    f"{plan.form} has one row per patient, and {source.form} stands in {len(events)} events: name one "
                    f"in source_event ({', '.join(events)})"
                )
            if any((source.form, event) in self._shape.repeating for event in events):
                self.problems.append(f"{plan.form} has one row per patient, and {source.form} repeats")


def _variable(plan: FormPlan, shape: SourceShape) -> dict[str, Any]:
    return {
        "repeats": plan.repeats,
        "sources": [
            {
                "form": source.form,
                "has_status": f"{source.form}_complete" in shape.columns[source.form],
                "events": _placed(source, shape),
                "events_chosen": bool(source.events),
            }
            for source in plan.sources
        ],
        "columns": {
            concept: {
                "source": column.source,
                "fields": list(column.fields),
                "transform": column.transform,
                "codes": column.entry.codes if column.entry is not None and column.transform == "recode" else {},
                "unit": column.entry.unit if column.entry is not None else "",
                "constant": column.entry.source_field if column.entry is not None and column.source is None else "",
            }
            for concept, column in plan.columns.items()
        },
    }


def _placed(source: FormSource, shape: SourceShape) -> dict[str, int]:
    """Event -> what is added to its instance numbers; empty where no row needs to be chosen or told apart."""
    if not shape.is_longitudinal:
        return {}
    known = list(shape.events.get(source.form, ()))
    several = len(source.events or known) > 1
    return {event: known.index(event) * EVENT_STRIDE * several for event in source.events or known}
