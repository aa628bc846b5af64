"""The items of a project XML: which there are, in which groups, for every instrument.

REDCap's own grouping is kept: a field with a section header stands alone in a group of that name; those after it share a
group named by the instrument, or by nothing when it begins with a checkbox or a survey timestamp.
"""

from __future__ import annotations

from typing import NamedTuple

from blin_pipeline.redcap.odm.vocabulary import ACCESS_GROUP
from blin_pipeline.registry.dictionary import Field, checkbox_column
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.structure import SURVEY_IDENTIFIER


class Item(NamedTuple):
    """One item: a field, an option of a checkbox, a form status, or something of the system's.

    Attributes:
        oid: Its name, the export name.
        variable: Field that it belongs to.
        definition: The field, None for others.
        code: Option of a checkbox.
    """

    oid: str
    variable: str
    definition: Field | None = None
    code: str = ""


class Group(NamedTuple):
    """A group of items.

    Attributes:
        oid: Its name.
        label: Section header, label of the instrument, or nothing.
        items: What it holds.
    """

    oid: str
    label: str
    items: list[Item]


def groups_of(project: ProjectState, form: str, *, with_groups: bool, with_survey_fields: bool) -> list[Group]:
    """The item groups of an instrument, in order.

    Args:
        project: The live project.
        form: Instrument.
        with_groups: Whether the Data Access Group is an item beside the record id.
        with_survey_fields: Whether survey identifier and timestamps are items.
    """
    groups: list[Group] = []
    joins = False
    for definition in project.dictionary.form_fields(form):
        items = items_of(project, definition)
        if definition.field_name == project.dictionary.record_id_field:
            items += _beside_record_id(project, form, with_groups=with_groups, with_survey_fields=with_survey_fields)
        elif not groups and with_survey_fields and form in project.surveys:
            groups.append(_timestamp_group(form))
        if definition.section_header or not joins:
            label = definition.section_header or (
                "" if definition.field_type == "checkbox" else project.instrument_label(form)
            )
            groups.append(Group(f"{form}.{items[0].oid}", label, items))
        else:
            groups[-1].items.extend(items)
        joins = not definition.section_header
        if definition.field_name == project.dictionary.record_id_field and with_survey_fields:
            groups.extend([_timestamp_group(form)] if form in project.surveys else [])
            joins = joins and form not in project.surveys
    status = Item(f"{form}_complete", f"{form}_complete")
    return [*groups, Group(f"{form}.{status.oid}", "Form Status", [status])]


def items_of(project: ProjectState, definition: Field) -> list[Item]:
    """The items of a field: one, or one per option."""
    name = definition.field_name
    if definition.field_type != "checkbox":
        return [Item(name, name, definition)]
    codes = (*definition.choices, *project.missing_data_codes)
    return [Item(checkbox_column(name, code), name, definition, code) for code in codes]


def _beside_record_id(project: ProjectState, form: str, *, with_groups: bool, with_survey_fields: bool) -> list[Item]:
    names = [ACCESS_GROUP] if with_groups and project.groups else []
    if with_survey_fields and project.surveys:
        names.append(SURVEY_IDENTIFIER)
        names += [f"{form}_timestamp"] if form in project.surveys else []
    return [Item(name, name) for name in names]


def _timestamp_group(form: str) -> Group:
    name = f"{form}_timestamp"
    return Group(f"{form}.{name}", "", [Item(name, name)])
