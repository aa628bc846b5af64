"""A project XML opened: its two halves, and the small facts of the set-up that stand in attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree.ElementTree import Element

from blin_pipeline.redcap.odm.refusal import wrong
from blin_pipeline.redcap.odm.safe_xml import XmlRefusedError, parse_xml
from blin_pipeline.redcap.odm.vocabulary import NAMES
from blin_pipeline.registry.dictionary import Dictionary

_CODE_BREAK = re.compile(r"[\r\n|]+")
_REPEATING = "redcap:RepeatingInstrumentsAndEvents"


class OdmRepeat(NamedTuple):
    """A repeating instrument, or with a blank form a repeating event; no event in a classic project."""

    form: str
    event: str
    label: str = ""


@dataclass(frozen=True)
class Document:
    """An opened file.

    Attributes:
        source: What to call it in an error.
        root: The element ``ODM``.
        variables: Settings of the project.
        metadata: Events, instruments and fields.
    """

    source: str
    root: Element
    variables: Element
    metadata: Element

    @property
    def is_longitudinal(self) -> bool:
        """Whether the project has events."""
        return self.metadata.find("StudyEventDef") is not None

    @property
    def missing_data_codes(self) -> Mapping[str, str]:
        """Missing-data code -> label."""
        text = self.variables.findtext("redcap:MissingDataCodes", "", NAMES)
        pairs = (part.partition(",") for part in _CODE_BREAK.split(text) if part.strip())
        return {code.strip(): label.strip() for code, _, label in pairs}

    @property
    def repeats(self) -> tuple[OdmRepeat, ...]:
        """What repeats; the set-up block alone is trusted, the ``Repeating`` marks of older files say No throughout."""
        found = self.variables.iterfind(f"{_REPEATING}//redcap:RepeatingInstrument", NAMES)
        instruments = (
            OdmRepeat(
                item.get("redcap:RepeatInstrument", ""),
                item.get("redcap:UniqueEventName", "") if self.is_longitudinal else "",
                item.get("redcap:CustomLabel", ""),
            )
            for item in found
        )
        events = (
            OdmRepeat("", item.get("redcap:UniqueEventName", ""))
            for item in self.variables.iterfind(f"{_REPEATING}//redcap:RepeatingEvent", NAMES)
        )
        return (*instruments, *events)

    @property
    def event_definitions(self) -> tuple[Element, ...]:
        """Events in the order of the protocol; those that it does not name last."""
        by_oid = {item.get("OID", ""): item for item in self.metadata.iterfind("StudyEventDef")}
        ordered = [item.get("StudyEventOID", "") for item in self.metadata.iterfind("Protocol/StudyEventRef")]
        return tuple(by_oid[oid] for oid in dict.fromkeys([*(oid for oid in ordered if oid in by_oid), *by_oid]))

    @property
    def event_forms(self) -> tuple[tuple[str, str], ...]:
        """``(unique event name, instrument)`` of every designation."""
        forms = {form.get("OID", ""): form.get("redcap:FormName", "") for form in self.metadata.iterfind("FormDef")}
        return tuple(
            (event.get("redcap:UniqueEventName", ""), forms[reference.get("FormOID", "")])
            for event in self.event_definitions
            for reference in event.iterfind("FormRef")
            if reference.get("FormOID", "") in forms
        )


def open_document(content: bytes, source: str) -> Document:
    """Parse a project XML.

    Args:
        content: The file.
        source: What to call it in an error.

    Raises:
        SourceError: Code ``E_PROJECT_XML``: no UTF-8, no well-formed XML, a document type, not a REDCap project.
    """
    try:
        root = parse_xml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise wrong(source, f"byte {error.start} is not UTF-8") from None
    except XmlRefusedError as error:
        raise wrong(source, str(error)) from None
    variables, metadata = root.find("Study/GlobalVariables"), root.find("Study/MetaDataVersion")
    if root.tag != "ODM" or metadata is None or variables is None:
        raise wrong(source, "it is no ODM file with a study and its metadata")
    return Document(source, root, variables, metadata)


def survey_forms(document: Document, dictionary: Dictionary) -> tuple[str, ...]:
    """Instruments that are surveys, by their settings or because the file has their time stamps."""
    items = {item.get("OID", "") for item in document.metadata.iterfind("ItemDef")}
    named = {item.get("form_name", "") for item in document.variables.iterfind("redcap:SurveysGroup/*", NAMES)}
    return tuple(form for form in dictionary.forms if form in named or f"{form}_timestamp" in items)
