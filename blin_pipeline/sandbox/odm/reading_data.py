"""The records inside a project XML."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Mapping
from xml.etree.ElementTree import Element

from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox.odm.refusal import wrong
from blin_pipeline.sandbox.odm.vocabulary import ACCESS_GROUP
from blin_pipeline.sandbox.rows import FormRow
from blin_pipeline.sandbox.setup import Repeat, StoredFile
from blin_pipeline.sandbox.structure import SURVEY_IDENTIFIER

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)")
_FORM = "Form."
_EVENT = "Event."


def read_data(
    clinical: Element | None,
    dictionary: Dictionary,
    missing_data_codes: Mapping[str, str],
    repeats: Collection[Repeat],
    source: str,
) -> tuple[dict[str, str], tuple[FormRow, ...]]:
    """Access group of every record, and one row per saved form, in the order of the file.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_ODM``: an item that the metadata does not define, or a file that is not
            base64. No value is in the message.
    """
    reader = _DataReader(dictionary, missing_data_codes, repeats, source)
    for subject in clinical.iterfind("SubjectData") if clinical is not None else ():
        reader.read_subject(subject)
    return reader.groups, tuple(reader.rows)


class _DataReader:
    """Collects what it reads.

    Attributes:
        groups: Record id -> unique group name.
        rows: Saved forms.
    """

    def __init__(
        self, dictionary: Dictionary, missing_data_codes: Mapping[str, str], repeats: Collection[Repeat], source: str
    ) -> None:
        self._record_id_field = dictionary.record_id_field
        self._repeating = {(item.event, item.form) for item in repeats}
        self._source = source
        self._options = {
            name
            for field in dictionary.fields
            if field.field_type == "checkbox"
            for name in field.export_names(missing_data_codes)
        }
        self._moments = {field.field_name for field in dictionary.fields if field.validation.startswith("datetime_")}
        self._known = {
            form: {*dictionary.export_columns(form, missing_data_codes), f"{form}_timestamp", SURVEY_IDENTIFIER}
            for form in dictionary.forms
        }
        self.groups: dict[str, str] = {}
        self.rows: list[FormRow] = []

    def read_subject(self, subject: Element) -> None:
        record_id = subject.get("SubjectKey", "")
        self.groups.setdefault(record_id, "")
        for event, event_instance, form_data in _forms(subject):
            form = form_data.get("FormOID", "").removeprefix(_FORM)
            if form not in self._known:
                raise wrong(self._source, f"it holds data of the instrument {form!r}, which it does not define")
            instance = self._instance(event, form, event_instance, form_data.get("FormRepeatKey", "1"))
            values: dict[str, str] = {}
            files: dict[str, StoredFile] = {}
            for item in form_data.iterfind("ItemGroupData/*"):
                name = item.get("ItemOID", "")
                if name == ACCESS_GROUP:
                    self.groups[record_id] = item.get("Value", "")
                elif name not in self._known[form]:
                    raise wrong(self._source, f"it holds data of {name!r} in {form!r}, which it does not define")
                elif item.tag == "ItemDataBase64Binary":
                    files[name] = self._file(item)
                    values[name] = files[name].name
                else:
                    values[name] = self._value(name, item.get("Value", ""))
            kept = {name: value for name, value in values.items() if value and name != self._record_id_field}
            self.rows.append(FormRow(record_id, form, instance, kept, event, files))

    def _instance(self, event: str, form: str, event_key: str, form_key: str) -> int | None:
        if (event, form) in self._repeating:
            key = form_key
        elif (event, "") in self._repeating:
            key = event_key
        else:
            return None
        if not key.isdecimal() or int(key) < 1:
            raise wrong(self._source, "a repeat key is no number from 1")
        return int(key)

    def _value(self, name: str, value: str) -> str:
        if name in self._options and value == "0":
            return ""
        return _MOMENT.sub(r"\1 \2", value) if name in self._moments and _MOMENT.fullmatch(value) else value

    def _file(self, item: Element) -> StoredFile:
        try:
            content = base64.b64decode("".join((item.text or "").split()), validate=True)
        except binascii.Error:
            raise wrong(self._source, "an uploaded file is not base64") from None
        return StoredFile(item.get("redcap:DocName", ""), content, item.get("redcap:MimeType", ""))


def _forms(subject: Element) -> Iterator[tuple[str, str, Element]]:
    """Event, its repeat key and the form data, of a classic and of a longitudinal subject."""
    for form_data in subject.iterfind("FormData"):
        yield "", "1", form_data
    for event in subject.iterfind("StudyEventData"):
        name = event.get("redcap:UniqueEventName") or event.get("StudyEventOID", "").removeprefix(_EVENT)
        for form_data in event.iterfind("FormData"):
            yield name, event.get("StudyEventRepeatKey", "1"), form_data
