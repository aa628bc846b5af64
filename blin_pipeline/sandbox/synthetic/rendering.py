"""From typed forms to what REDCap stores, and to the recorded part of the truth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from blin_pipeline.registry.dictionary import Dictionary, checkbox_column
from blin_pipeline.sandbox.rows import FormRow
from blin_pipeline.sandbox.synthetic.entries import Draft, Entry, Value
from blin_pipeline.sandbox.synthetic.plan import SiteFact
from blin_pipeline.sandbox.synthetic.truth import (
    PlantedCase,
    Recorded,
    RecordedRow,
    RecordTruth,
    TrueStretch,
    UnusableCell,
)


def stored_text(value: Value) -> str:
    """A value as REDCap stores it: dates year first, clock times without seconds, numbers without trailing zeros."""
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)


class FormLayout(NamedTuple):
    """What rendering needs of one instrument: field order and which fields are checkboxes."""

    fields: tuple[str, ...]
    checkboxes: frozenset[str]
    repeats: bool


def layouts(dictionary: Dictionary, repeating: tuple[str, ...]) -> dict[str, FormLayout]:
    """Instrument -> layout, in dictionary order."""
    return {
        form: FormLayout(
            tuple(field.field_name for field in dictionary.form_fields(form)),
            frozenset(field.field_name for field in dictionary.form_fields(form) if field.field_type == "checkbox"),
            form in repeating,
        )
        for form in dictionary.forms
    }


def number_instances(draft: Draft, forms: Mapping[str, FormLayout]) -> None:
    """Give the instances of repeating forms their numbers, in the order in which they were typed."""
    for form, entries in draft.forms.items():
        entries.sort(key=lambda entry: entry.order)
        if forms[form].repeats:
            for number, entry in enumerate(entries, start=1):
                entry.instance = number


def render(draft: Draft, forms: Mapping[str, FormLayout]) -> list[FormRow]:
    """Rows of one record, forms in dictionary order, instances in order."""
    rows = []
    for form, layout in forms.items():
        for entry in draft.entries(form):
            values = {"record_id": draft.record_id} if "record_id" in layout.fields else {}
            for name in layout.fields:
                if name in entry.stored:
                    if name in layout.checkboxes:
                        values[checkbox_column(name, entry.stored[name])] = "1"
                    else:
                        values[name] = entry.stored[name]
                elif name in entry.values:
                    values |= _stored(name, entry.values[name])
            values[f"{form}_complete"] = str(entry.status)
            rows.append(FormRow(draft.record_id, form, entry.instance, values))
    return rows


def _stored(name: str, value: Value) -> dict[str, str]:
    if isinstance(value, tuple):
        return {checkbox_column(name, str(code)): "1" for code in value}
    return {name: stored_text(value)}


def record_truth(draft: Draft, forms: Mapping[str, FormLayout], site: SiteFact) -> RecordTruth:
    """The recorded part of the truth for one record of this centre (that of its access group)."""
    unusable = [
        UnusableCell(form=form, instance=entry.instance, field=name, stored=text, reason=entry.reasons[name])
        for form in forms
        for entry in draft.entries(form)
        for name, text in sorted(entry.stored.items())
    ]
    return RecordTruth(
        record_id=draft.record_id,
        site_id=site.site_id,
        time_zone=site.time_zone,
        infused=[
            TrueStretch(
                cycle=cycle, start=stored_text(start), stop=None if stop is None else stored_text(stop), is_step=is_step
            )
            for cycle, start, stop, is_step in draft.infused
        ],
        recorded={
            form: [_recorded_row(entry) for entry in draft.entries(form)] for form in forms if draft.entries(form)
        },
        unusable=unusable,
        planted=[
            PlantedCase(
                kind=case.kind,
                name=case.name,
                statement=case.statement,
                expected_status=case.expected_status,
                expected_reasons=list(case.expected_reasons),
                check_id=case.check_id,
                form=case.form,
                instance=case.entry.instance if case.entry is not None else None,
                field=case.field,
            )
            for case in draft.planted
        ],
    )


def _recorded_row(entry: Entry) -> RecordedRow:
    return RecordedRow(instance=entry.instance, values={name: _recorded(value) for name, value in entry.values.items()})


def _recorded(value: Value) -> Recorded:
    if isinstance(value, tuple):
        return list(value)
    return stored_text(value) if isinstance(value, date) else value
