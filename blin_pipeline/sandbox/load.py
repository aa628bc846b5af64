"""A project from the two files that any REDCap user can download: the data dictionary and a raw, flat data export.

Source: ``docs/redcap.md`` sections 4 and 13.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import load_dictionary
from blin_pipeline.registry.files import read_csv
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.structure import SURVEY_IDENTIFIER

_CREATED = datetime.fromisoformat("2024-01-01 08:00:00")
_SYSTEM = ("redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group", SURVEY_IDENTIFIER)


def project_from_export(
    dictionary: Path,
    data: Path,
    *,
    title: str | None = None,
    project_id: int = 1,
    repeating_instruments: Sequence[str] | None = None,
    missing_data_codes: Mapping[str, str] | None = None,
    created: datetime = _CREATED,
) -> SourceProject:
    """Read a classic project.

    Repeating instruments are those that ``redcap_repeat_instrument`` names, surveys those with a ``<form>_timestamp``
    column, Data Access Groups those that a record stands in. A form with a blank status and no other content was never
    saved.

    Args:
        dictionary: Data dictionary CSV.
        data: Raw, flat CSV export; a file without a header is a project without records.
        title: Project title; the data file's name when None.
        project_id: REDCap's number of the project.
        repeating_instruments: Repeating instruments, where the data cannot tell (no instance yet).
        missing_data_codes: Missing-data code -> label.
        created: Naive server time at which the log begins.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE`` (unreadable) or ``E_SANDBOX_EXPORT`` (columns that the dictionary
            lacks, or a longitudinal project).
    """
    definitions = load_dictionary(dictionary)
    codes = dict(missing_data_codes or {})
    rows = [] if not data.read_bytes().strip() else [row for _, row in read_csv(data)]
    columns = list(rows[0]) if rows else []
    names = {form: set(definitions.export_columns(form, codes)) for form in definitions.forms}
    surveys = tuple(form for form in definitions.forms if f"{form}_timestamp" in columns)
    known = {*_SYSTEM, *(f"{form}_timestamp" for form in surveys), *(name for some in names.values() for name in some)}
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise ConfigurationError(
            "E_SANDBOX_EXPORT",
            f"{data.name}: columns that {dictionary.name} does not define in a classic project: {', '.join(unknown)}.",
            fix="Export raw data of the project that the dictionary belongs to.",
        )
    repeating = {row.get("redcap_repeat_instrument", "") for row in rows} - {""} | set(repeating_instruments or ())
    for form in surveys:
        names[form].add(f"{form}_timestamp")
    names[definitions.forms[0]].add(SURVEY_IDENTIFIER)
    form_rows: list[FormRow] = []
    groups: dict[str, str] = {}
    for row in rows:
        record_id = row[definitions.record_id_field]
        groups.setdefault(record_id, row.get("redcap_data_access_group", ""))
        repeated = row.get("redcap_repeat_instrument", "")
        forms = [repeated] if repeated else [form for form in definitions.forms if form not in repeating]
        for form in forms:
            values = {
                name: value
                for name, value in row.items()
                if value and name in names[form] and name != definitions.record_id_field
            }
            if any(value != "0" or "___" not in name for name, value in values.items()):
                instance = int(row["redcap_repeat_instance"]) if repeated else None
                form_rows.append(FormRow(record_id, form, instance, values))
    return SourceProject(
        title=title or data.stem,
        project_id=project_id,
        dictionary=definitions,
        instrument_labels={},
        repeating_instruments=tuple(form for form in definitions.forms if form in repeating),
        surveys=surveys,
        data_access_groups=tuple((name, name) for name in dict.fromkeys(groups.values()) if name),
        record_groups=groups,
        missing_data_codes=codes,
        rows=tuple(form_rows),
        created=created,
    )
