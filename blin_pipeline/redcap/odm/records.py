"""The records inside a project XML."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element

from blin_pipeline.errors import BlinError
from blin_pipeline.redcap.odm.document import Document
from blin_pipeline.redcap.odm.refusal import wrong
from blin_pipeline.redcap.odm.vocabulary import ACCESS_GROUP
from blin_pipeline.registry.dictionary import Dictionary

SURVEY_IDENTIFIER = "redcap_survey_identifier"
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)")
_FORM = "Form."
_EVENT = "Event."


class OdmFile(NamedTuple):
    """An uploaded file: name as uploaded, bytes, MIME type."""

    name: str
    content: bytes
    media_type: str


class OdmRow(NamedTuple):
    """One instrument of one record and event; of what repeats, one instance.

    Attributes:
        record_id: The record's id.
        form: Instrument name.
        event: Unique event name, blank in a classic project.
        instance: None where neither the instrument nor its event repeats.
        values: Export name -> stored text, never blank; unticked checkbox options are left out. An upload field holds its
            file's name.
        files: Upload field -> its file.
    """

    record_id: str
    form: str
    event: str
    instance: int | None
    values: Mapping[str, str]
    files: Mapping[str, OdmFile]


class OdmRecord(NamedTuple):
    """One record: its id, the unique name of its data access group (blank for none), its rows in the order of the file."""

    record_id: str
    group: str
    rows: tuple[OdmRow, ...]


def read_records(document: Document, dictionary: Dictionary) -> Iterator[OdmRecord]:
    """Every record, in the order of the file.

    Args:
        document: The file.
        dictionary: Its fields.

    Raises:
        SourceError: Code ``E_PROJECT_XML``: an item that the metadata does not define, or of two values (a record's group and
            its id among them), a file that is not base64, a repeat key that is no number. No value is in the message.
    """
    reader = _Reader(document, dictionary)
    for subject in document.root.iterfind("ClinicalData/SubjectData"):
        yield reader.record(subject)


class _Reader:
    """Reads one record after the other."""

    def __init__(self, document: Document, dictionary: Dictionary) -> None:
        codes = document.missing_data_codes
        self._record_id_field = dictionary.record_id_field
        self._repeating = {(item.event, item.form) for item in document.repeats}
        self._source = document.source
        self._options = {
            name for field in dictionary.fields if field.field_type == "checkbox" for name in field.export_names(codes)
        }
        self._moments = {field.field_name for field in dictionary.fields if field.validation.startswith("datetime_")}
        self._known = {
            form: {*dictionary.export_columns(form, codes), f"{form}_timestamp", SURVEY_IDENTIFIER}
            for form in dictionary.forms
        }

    def record(self, subject: Element) -> OdmRecord:
        record_id = subject.get("SubjectKey", "")
        group = ""
        rows: list[OdmRow] = []
        for event, event_instance, form_data in _forms(subject):
            form = form_data.get("FormOID", "").removeprefix(_FORM)
            if form not in self._known:
                raise wrong(self._source, f"it holds data of the instrument {form!r}, which it does not define")
            instance = self._instance(event, form, event_instance, form_data.get("FormRepeatKey", "1"))
            written: dict[str, str] = {}
            files: dict[str, OdmFile] = {}
            for item in form_data.iterfind("ItemGroupData/*"):
                name = item.get("ItemOID", "")
                if name == ACCESS_GROUP:
                    group = self._one(name, group, item.get("Value", ""))
                elif name not in self._known[form]:
                    raise wrong(self._source, f"it holds data of {name!r} in {form!r}, which it does not define")
                elif item.tag == "ItemDataBase64Binary":
                    file = self._file(item)
                    if files.setdefault(name, file) != file:
                        raise self._two_values(name)
                    written[name] = self._one(name, written.get(name, ""), file.name)
                elif name == self._record_id_field:
                    self._one(name, record_id, item.get("Value", ""))
                else:
                    written[name] = self._one(name, written.get(name, ""), item.get("Value", ""))
            kept = {name: value for name, text in written.items() if (value := self._value(name, text))}
            rows.append(OdmRow(record_id, form, event, instance, kept, files))
        return OdmRecord(record_id, group, tuple(rows))

    def _instance(self, event: str, form: str, event_key: str, form_key: str) -> int | None:
        """The instance that a form's data belong to; None where nothing repeats."""
        keys = {(event, form): form_key, (event, ""): event_key}
        repeating = next((place for place in keys if place in self._repeating), None)
        if any(key != "1" for place, key in keys.items() if place != repeating):
            raise wrong(self._source, f"it holds a further instance of {form!r}, where nothing repeats")
        if repeating is None:
            return None
        if not keys[repeating].isdecimal() or int(keys[repeating]) < 1:
            raise wrong(self._source, "a repeat key is no number from 1")
        return int(keys[repeating])

    def _one(self, name: str, before: str, now: str) -> str:
        """The one value of an item that may be written more than once; a blank takes nothing back."""
        if before and now and before != now:
            raise self._two_values(name)
        return now or before

    def _two_values(self, name: str) -> BlinError:
        return wrong(self._source, f"a record holds two values of {name!r}")

    def _value(self, name: str, value: str) -> str:
        if name in self._options and value == "0":
            return ""
        return _MOMENT.sub(r"\1 \2", value) if name in self._moments and _MOMENT.fullmatch(value) else value

    def _file(self, item: Element) -> OdmFile:
        try:
            content = base64.b64decode("".join((item.text or "").split()), validate=True)
        except binascii.Error:
            raise wrong(self._source, "an uploaded file is not base64") from None
        return OdmFile(item.get("redcap:DocName", ""), content, item.get("redcap:MimeType", ""))


def _forms(subject: Element) -> Iterator[tuple[str, str, Element]]:
    """Event, its repeat key and the form data, of a classic and of a longitudinal subject."""
    for form_data in subject.iterfind("FormData"):
        yield "", "1", form_data
    for event in subject.iterfind("StudyEventData"):
        name = event.get("redcap:UniqueEventName") or event.get("StudyEventOID", "").removeprefix(_EVENT)
        for form_data in event.iterfind("FormData"):
            yield name, event.get("StudyEventRepeatKey", "1"), form_data
