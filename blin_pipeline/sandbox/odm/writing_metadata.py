"""The metadata of a project XML: events, instruments, item groups, items and code lists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blin_pipeline.redcap.odm.vocabulary import ACCESS_GROUP, CHOICE_ATTRIBUTES, FIELD_ATTRIBUTES
from blin_pipeline.registry.dictionary import Field
from blin_pipeline.sandbox.odm.items import Group, Item
from blin_pipeline.sandbox.odm.markup import Attributes, element, empty, opening
from blin_pipeline.sandbox.odm.vocabulary import (
    STATUS_LABELS,
    XML_FIELD_TYPES,
    XML_VALIDATIONS,
    data_type,
)
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.records.cells import shown_event
from blin_pipeline.sandbox.structure import SURVEY_IDENTIFIER

#: What PHP's ``strip_tags`` takes for a tag.
_MARKUP = re.compile(r"<(?!\s)[^>]*(?:>|$)")
_SYSTEM_LABELS = {ACCESS_GROUP: "Data Access Group", SURVEY_IDENTIFIER: "Survey Identifier"}
_OUTSIDE = (
    "The value you provided is outside the suggested range ({low} - {high}). This value is admissible, but you may wish to "
    "double check it."
)


def event_lines(project: ProjectState) -> Iterator[str]:
    """Protocol and events of a longitudinal project; nothing for a classic one."""
    if not project.is_longitudinal:
        return
    yield "\t<Protocol>"
    for number, event in enumerate(project.events, start=1):
        reference: Attributes = {
            "StudyEventOID": f"Event.{event.unique_name}",
            "OrderNumber": number,
            "Mandatory": "No",
        }
        yield "\t\t" + empty("StudyEventRef", reference)
    yield "\t</Protocol>"
    for event in project.events:
        attributes: Attributes = {
            "OID": f"Event.{event.unique_name}",
            "Name": shown_event(project, event.unique_name),
            "Type": "Common",
            "Repeating": "Yes" if project.repeats_event(event.unique_name) else "No",
            "redcap:EventName": event.name,
            "redcap:CustomEventLabel": event.custom_label,
            "redcap:UniqueEventName": event.unique_name,
            "redcap:ArmNum": event.arm,
            "redcap:ArmName": project.arms[event.arm].name,
            "redcap:DayOffset": event.day_offset,
            "redcap:OffsetMin": event.offset_min,
            "redcap:OffsetMax": event.offset_max,
        }
        yield "\t" + opening("StudyEventDef", attributes)
        for number, form in enumerate(project.forms_of(event.unique_name), start=1):
            place: Attributes = {
                "FormOID": f"Form.{form}",
                "OrderNumber": number,
                "Mandatory": "No",
                "redcap:FormName": form,
            }
            yield "\t\t" + empty("FormRef", place)
        yield "\t</StudyEventDef>"


def form_lines(project: ProjectState, form: str, groups: list[Group]) -> Iterator[str]:
    """One instrument and references to its groups."""
    attributes = {
        "OID": f"Form.{form}",
        "Name": project.instrument_label(form),
        "Repeating": "No",
        "redcap:FormName": form,
    }
    yield "\t" + opening("FormDef", attributes)
    for group in groups:
        yield "\t\t" + empty("ItemGroupRef", {"ItemGroupOID": group.oid, "Mandatory": "No"})
    yield "\t</FormDef>"


def group_lines(group: Group) -> Iterator[str]:
    """One item group."""
    yield "\t" + opening("ItemGroupDef", {"OID": group.oid, "Name": group.label, "Repeating": "No"})
    for item in group.items:
        is_required = item.definition is not None and item.definition.is_required
        reference = {
            "ItemOID": item.oid,
            "Mandatory": "Yes" if is_required else "No",
            "redcap:Variable": item.variable,
        }
        yield "\t\t" + empty("ItemRef", reference)
    yield "\t</ItemGroupDef>"


def item_lines(item: Item) -> Iterator[str]:
    """One item."""
    definition = item.definition
    if definition is not None:
        label, attributes = definition.field_label, _field_attributes(item, definition)
    elif item.oid.endswith("_complete"):
        label, attributes = "Complete?", _status_attributes(item)
    else:
        is_time = item.oid.endswith("_timestamp")
        label = _SYSTEM_LABELS.get(item.oid, "Survey Timestamp")
        attributes = {**_attributes(item, "datetime" if is_time else "text", 999), "redcap:Variable": item.variable}
    yield "\t" + opening("ItemDef", attributes)
    yield f"\t\t<Question>{_texts(label)}</Question>"
    if code_list_options(item):
        yield "\t\t" + empty("CodeListRef", {"CodeListOID": f"{item.oid}.choices"})
    if definition is not None and definition.field_type in {"text", "slider"}:
        yield from _range_lines(definition)
    yield "\t</ItemDef>"


def code_list_options(item: Item) -> dict[str, str]:
    """Code -> label of the list behind an item; empty for none."""
    if item.definition is None:
        return dict(STATUS_LABELS) if item.oid.endswith("_complete") else {}
    return {"1": "Checked", "0": "Unchecked"} if item.code else item.definition.choices


def code_list_lines(item: Item) -> Iterator[str]:
    """The code list of an item, where it has one."""
    options = code_list_options(item)
    if not options:
        return
    attributes: dict[str, str] = {
        "OID": f"{item.oid}.choices",
        "Name": item.oid,
        "DataType": "boolean" if item.definition and data_type(item.definition) == "boolean" else "text",
        "redcap:Variable": item.variable,
    }
    if item.code and item.definition is not None:
        attributes["redcap:CheckboxChoices"] = "|".join(
            f"{code}, {label}" for code, label in item.definition.choices.items()
        )
    yield "\t" + opening("CodeList", attributes)
    for code, label in options.items():
        yield f"\t\t{opening('CodeListItem', {'CodedValue': code})}<Decode>{_texts(label)}</Decode></CodeListItem>"
    yield "\t</CodeList>"


def _attributes(item: Item, kind: str, length: int) -> dict[str, str | int]:
    return {"OID": item.oid, "Name": item.oid, "DataType": kind, "Length": length}


def _status_attributes(item: Item) -> Attributes:
    return {
        **_attributes(item, "text", 1),
        "redcap:Variable": item.variable,
        "redcap:FieldType": "select",
        "redcap:SectionHeader": "Form Status",
    }


def _field_attributes(item: Item, definition: Field) -> Attributes:
    kind = data_type(definition)
    codes = {"1": ""} if item.code or definition.field_type == "sql" else definition.choices
    attributes = _attributes(item, kind, max(map(len, codes)) if codes else 999)
    if definition.validation == "number":
        attributes["SignificantDigits"] = 1
    attributes["redcap:Variable"] = item.variable
    attributes["redcap:FieldType"] = XML_FIELD_TYPES.get(definition.field_type, definition.field_type)
    validation = definition.text_validation_type_or_show_slider_number
    if validation:
        attributes["redcap:TextValidationType"] = XML_VALIDATIONS.get(validation, validation)
    if (name := CHOICE_ATTRIBUTES.get(definition.field_type)) and definition.select_choices_or_calculations:
        attributes[name] = definition.select_choices_or_calculations
    for attribute, column in FIELD_ATTRIBUTES.items():
        if text := str(getattr(definition, column)):
            attributes[attribute] = text
    return attributes


def _texts(label: str) -> str:
    """A label without its markup, and as it is where it may have some."""
    text = element("TranslatedText", _MARKUP.sub("", label))
    return text + element("redcap:FormattedTranslatedText", label) if "<" in label else text


def _range_lines(definition: Field) -> Iterator[str]:
    low, high = definition.text_validation_min, definition.text_validation_max
    for comparator, value in (("GE", low), ("LE", high)):
        if value:
            message = _OUTSIDE.format(low=low or "no limit", high=high or "no limit")
            yield "\t\t" + opening("RangeCheck", {"Comparator": comparator, "SoftHard": "Soft"})
            yield "\t\t\t" + element("CheckValue", value)
            yield f"\t\t\t<ErrorMessage>{element('TranslatedText', message)}</ErrorMessage>"
            yield "\t\t</RangeCheck>"
