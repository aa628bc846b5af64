"""The shape of a source from its set-up alone: what a field map can be checked against before any record is read."""

from __future__ import annotations

from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.registry.source_plan import SourceShape


def shape_of(setup: ProjectSetup) -> SourceShape:
    """Columns, events and repeats that the set-up promises; groups count as there when the token may not read them."""
    events = {form: [""] for form in setup.forms}
    if setup.info.is_longitudinal:
        designated = sorted({(entry.unique_event_name, entry.form) for entry in setup.form_events})
        events = {form: [event for event, one in designated if one == form] for form in setup.forms}
    repeats = {(entry.event_name, entry.form_name) for entry in setup.repeating}
    return SourceShape(
        columns={form: frozenset(setup.form_columns(form)) for form in setup.forms},
        events=events,
        repeating={
            (form, event)
            for form, places in events.items()
            for event in places
            if (event, form) in repeats or (event, "") in repeats
        },
        has_groups=setup.groups is None or bool(setup.groups),
        is_longitudinal=setup.info.is_longitudinal,
    )
