"""The data dictionary inside a project XML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from blin_pipeline.redcap.odm.vocabulary import CHOICE_ATTRIBUTES, FIELD_ATTRIBUTES, FIELD_TYPES, NAMES, VALIDATIONS
from blin_pipeline.registry.dictionary import Dictionary, dictionary_from_rows

_LABEL_PATHS = ("Question/redcap:FormattedTranslatedText", "Question/TranslatedText")
_DECODE_PATHS = ("Decode/redcap:FormattedTranslatedText", "Decode/TranslatedText")


def read_dictionary(
    metadata: Element, source: str, missing_data_codes: Mapping[str, str]
) -> tuple[Dictionary, dict[str, str]]:
    """Fields in project order, and the label of every instrument.

    What the file does not carry is blank: range of a slider, query of an sql field.

    Args:
        metadata: ``MetaDataVersion``.
        source: What to call the file in an error.
        missing_data_codes: The project's codes; an option that is one of them belongs to no field.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``, a field that no dictionary may hold.
    """
    items = {item.get("OID", ""): item for item in metadata.iterfind("ItemDef")}
    groups = {group.get("OID", ""): group for group in metadata.iterfind("ItemGroupDef")}
    code_lists = {item.get("OID", ""): item for item in metadata.iterfind("CodeList")}
    labels: dict[str, str] = {}
    rows: dict[str, dict[str, str]] = {}
    for form in metadata.iterfind("FormDef"):
        name = form.get("redcap:FormName", "")
        labels[name] = form.get("Name", "")
        for item in _items(form, groups, items):
            variable = item.get("redcap:Variable", "")
            if item.get("redcap:FieldType") and variable != f"{name}_complete" and variable not in rows:
                rows[variable] = _field(item, name, code_lists, missing_data_codes)
    return dictionary_from_rows(list(rows.values()), Path(source)), labels


def _items(form: Element, groups: Mapping[str, Element], items: Mapping[str, Element]) -> Iterator[Element]:
    for reference in form.iterfind("ItemGroupRef"):
        group = groups.get(reference.get("ItemGroupOID", ""))
        for item_reference in group.iterfind("ItemRef") if group is not None else ():
            item = items.get(item_reference.get("ItemOID", ""))
            if item is not None:
                yield item


def _field(
    item: Element, form: str, code_lists: Mapping[str, Element], missing_data_codes: Mapping[str, str]
) -> dict[str, str]:
    kind = item.get("redcap:FieldType", "")
    kind = FIELD_TYPES.get(kind, kind)
    validation = item.get("redcap:TextValidationType", "")
    limits = {check.get("Comparator", ""): check.findtext("CheckValue") or "" for check in item.iterfind("RangeCheck")}
    return {
        "field_name": item.get("redcap:Variable", ""),
        "form_name": form,
        "field_type": kind,
        "field_label": _first_text(item, _LABEL_PATHS),
        "select_choices_or_calculations": _choices(item, kind, code_lists, missing_data_codes),
        "text_validation_type_or_show_slider_number": VALIDATIONS.get(validation, validation),
        "text_validation_min": limits.get("GE", ""),
        "text_validation_max": limits.get("LE", ""),
        **{column: item.get(attribute, "") for attribute, column in FIELD_ATTRIBUTES.items()},
    }


def _choices(item: Element, kind: str, code_lists: Mapping[str, Element], missing_data_codes: Mapping[str, str]) -> str:
    if kind in CHOICE_ATTRIBUTES:
        return item.get(CHOICE_ATTRIBUTES[kind], "")
    reference = item.find("CodeListRef")
    code_list = code_lists.get(reference.get("CodeListOID", "")) if reference is not None else None
    if code_list is None or kind in {"yesno", "truefalse"}:
        return ""
    if kind == "checkbox":
        return " | ".join(part.strip() for part in code_list.get("redcap:CheckboxChoices", "").split("|"))
    return " | ".join(
        f"{option.get('CodedValue', '')}, {_first_text(option, _DECODE_PATHS)}"
        for option in code_list.iterfind("CodeListItem")
        if option.get("CodedValue", "") not in missing_data_codes
    )


def _first_text(item: Element, paths: tuple[str, ...]) -> str:
    return next((text for path in paths if (text := item.findtext(path, namespaces=NAMES)) is not None), "")
