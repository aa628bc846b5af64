"""REDCap data dictionary: the 18 columns, as downloaded from the designer or as the API names them.

Shapes of names, choices and checkbox columns follow REDCap (``docs/redcap.md``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from blin_pipeline.registry.files import STUDY_DIR, fault, read_csv

#: API name -> header of the designer's CSV, in order.
COLUMNS: dict[str, str] = {
    "field_name": "Variable / Field Name",
    "form_name": "Form Name",
    "section_header": "Section Header",
    "field_type": "Field Type",
    "field_label": "Field Label",
    "select_choices_or_calculations": "Choices, Calculations, OR Slider Labels",
    "field_note": "Field Note",
    "text_validation_type_or_show_slider_number": "Text Validation Type OR Show Slider Number",
    "text_validation_min": "Text Validation Min",
    "text_validation_max": "Text Validation Max",
    "identifier": "Identifier?",
    "branching_logic": "Branching Logic (Show field only if...)",
    "required_field": "Required Field?",
    "custom_alignment": "Custom Alignment",
    "question_number": "Question Number (surveys only)",
    "matrix_group_name": "Matrix Group Name",
    "matrix_ranking": "Matrix Ranking?",
    "field_annotation": "Field Annotation",
}
FIELD_TYPES = frozenset(
    {
        "text",
        "notes",
        "radio",
        "dropdown",
        "checkbox",
        "yesno",
        "truefalse",
        "calc",
        "file",
        "slider",
        "descriptive",
        "sql",
        "signature",
    }
)
#: Field types that never appear in a record export.
NOT_EXPORTED = frozenset({"descriptive"})
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_NOT_WORD = re.compile(r"[^a-z0-9]")


class Field(BaseModel):
    """One row of a dictionary: every cell as text, plus the readings that REDCap itself gives them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field_name: str
    form_name: str
    section_header: str = ""
    field_type: str
    field_label: str = ""
    select_choices_or_calculations: str = ""
    field_note: str = ""
    text_validation_type_or_show_slider_number: str = ""
    text_validation_min: str = ""
    text_validation_max: str = ""
    identifier: str = ""
    branching_logic: str = ""
    required_field: str = ""
    custom_alignment: str = ""
    question_number: str = ""
    matrix_group_name: str = ""
    matrix_ranking: str = ""
    field_annotation: str = ""

    @property
    def validation(self) -> str:
        """Text validation type (``date_ymd``, ``integer`` ...), empty when none; meaningless for sliders."""
        return self.text_validation_type_or_show_slider_number if self.field_type == "text" else ""

    @property
    def is_identifier(self) -> bool:
        """Whether the designer flagged the field as an identifier."""
        return self.identifier.lower() == "y"

    @property
    def is_required(self) -> bool:
        """Whether the form asks for the field."""
        return self.required_field.lower() == "y"

    @property
    def choices(self) -> dict[str, str]:
        """Code -> label of a coded field, in order; empty for other types.

        REDCap splits on ``|``, then on the first comma; yesno and truefalse carry their codes implicitly.
        """
        if self.field_type == "yesno":
            return {"1": "Yes", "0": "No"}
        if self.field_type == "truefalse":
            return {"1": "True", "0": "False"}
        if self.field_type not in {"radio", "dropdown", "checkbox"}:
            return {}
        pairs = (part.partition(",") for part in self.select_choices_or_calculations.split("|") if part.strip())
        return {code.strip(): label.strip() for code, _, label in pairs}

    def export_names(self, missing_data_codes: Iterable[str] = ()) -> list[str]:
        """Column names of this field in a flat export: one, one per option for a checkbox, none for descriptive text."""
        if self.field_type in NOT_EXPORTED:
            return []
        if self.field_type != "checkbox":
            return [self.field_name]
        return [checkbox_column(self.field_name, code) for code in (*self.choices, *missing_data_codes)]


class Dictionary(BaseModel):
    """A data dictionary: fields in order; the first is the record id."""

    model_config = ConfigDict(frozen=True)

    fields: tuple[Field, ...]

    @property
    def record_id_field(self) -> str:
        """Name of the record id field."""
        return self.fields[0].field_name

    @property
    def forms(self) -> list[str]:
        """Instrument names in order of first appearance."""
        return list(dict.fromkeys(field.form_name for field in self.fields))

    def form_fields(self, form: str) -> list[Field]:
        """Fields of one instrument in order."""
        return [field for field in self.fields if field.form_name == form]

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.field_name == name), None)

    def export_columns(self, form: str, missing_data_codes: Iterable[str] = ()) -> list[str]:
        """Export columns of one instrument in order, its ``_complete`` last; the record id field only on its own form."""
        codes = list(missing_data_codes)
        names = [name for field in self.form_fields(form) for name in field.export_names(codes)]
        return [*names, f"{form}_complete"]

    @property
    def sha256(self) -> str:
        """Hash over all cells in order; equal for the CSV and the API form of one dictionary."""
        rows = [[getattr(field, name) for name in COLUMNS] for field in self.fields]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def checkbox_column(field_name: str, code: str) -> str:
    """Export column of one checkbox option: ``field___code``, other characters than letters and digits become ``_``."""
    return f"{field_name}___{_NOT_WORD.sub('_', code.lower())}"


def dictionary_from_rows(rows: Sequence[Mapping[str, str]], source: Path) -> Dictionary:
    """Build and validate a dictionary from rows keyed by API name.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``, with row and column of the first fault.
    """
    fields: list[Field] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        field = Field(**{name: row.get(name) or "" for name in COLUMNS})
        if not _NAME.match(field.field_name):
            fault(source, "not a REDCap variable name", row=number, column=COLUMNS["field_name"])
        if field.field_name in seen:
            fault(source, f"the variable stands already in row {seen[field.field_name]}", row=number)
        if field.field_type not in FIELD_TYPES:
            fault(source, "unknown field type", row=number, column=COLUMNS["field_type"])
        if field.field_type in {"radio", "dropdown", "checkbox"} and not field.choices:
            fault(source, "a coded field without choices", row=number, column=COLUMNS["select_choices_or_calculations"])
        seen[field.field_name] = number
        fields.append(field)
    if not fields:
        fault(source, "no field")
    return Dictionary(fields=tuple(fields))


def load_dictionary(path: Path | None = None) -> Dictionary:
    """Read a dictionary CSV as the designer writes it (BOM or none; designer's or API header).

    Args:
        path: File; the study's own dictionary when None.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``.
    """
    path = path or STUDY_DIR / "dictionary.csv"
    by_header = {header: name for name, header in COLUMNS.items()}
    rows = []
    for number, row in read_csv(path):
        names = {by_header.get(header, header): cell for header, cell in row.items()}
        if set(names) != set(COLUMNS):
            missing = [header for name, header in COLUMNS.items() if name not in names]
            fault(path, f"not a data dictionary: missing {', '.join(missing) or 'nothing, but extra columns'}", row=1)
        rows.append(names)
        del number
    return dictionary_from_rows(rows, path)
