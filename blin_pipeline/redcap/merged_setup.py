"""The set-up of several projects as one: the union of what they have; what two share must mean the same in both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.redcap.setup_rows import DataAccessGroup, ExportName, FormEvent, ProjectInfo, RepeatingForm
from blin_pipeline.registry.dictionary import Dictionary, Field

#: Stands between a project's name and what is its own; no REDCap name and no project name holds it.
SEPARATOR = ":"
_Entry = TypeVar("_Entry")


def qualified(project: str, name: str) -> str:
    """A record id or group of one project as the merged project calls it."""
    return f"{project}{SEPARATOR}{name}"


def _differ(problem: str) -> ConfigurationError:
    return ConfigurationError(
        "E_PROJECTS_DIFFER",
        f"The projects cannot be merged: {problem}.",
        fix="Bring the projects into line in REDCap, or give each a home folder of its own.",
    )


def _merged_dictionary(setups: Mapping[str, ProjectSetup]) -> Dictionary:
    """The union of the fields, in the order of the first project that has them; the first field is the record id."""
    known: dict[str, tuple[str, Field]] = {}
    by_form: dict[str, list[Field]] = {}
    record_id = next(iter(setups.values())).dictionary.fields[0]
    for name, setup in setups.items():
        for field in setup.dictionary.fields[1:]:
            other = known.setdefault(field.field_name, (name, field))
            if other[0] == name:
                by_form.setdefault(field.form_name, []).append(field)
            elif _meaning(other[1]) != _meaning(field):
                raise _differ(f"field {field.field_name!r} means one thing in {other[0]} and another in {name}")
    by_form.setdefault(record_id.form_name, []).insert(0, record_id)
    first = by_form.pop(record_id.form_name)
    return Dictionary(fields=(*first, *(field for fields in by_form.values() for field in fields)))


def _meaning(field: Field) -> tuple[object, ...]:
    choices = tuple(field.choices.items())
    return field.form_name, field.field_type, field.validation, choices, field.is_identifier


def merged_setup(exports: Mapping[str, ProjectExport]) -> ProjectSetup:
    """The set-up that all projects have in common or alone.

    Args:
        exports: Project name -> its reading, at least one.

    Raises:
        ConfigurationError: ``E_PROJECTS_DIFFER``: fields, repeats, missing-data codes or events contradict each other.
    """
    setups = {name: export.setup for name, export in exports.items()}
    dictionary = _merged_dictionary(setups)
    infos = {name: setup.info for name, setup in setups.items()}
    if len({info.is_longitudinal for info in infos.values()}) > 1:
        raise _differ("some are longitudinal and some are not")
    codes = _merged_codes(exports)
    return ProjectSetup(
        info=ProjectInfo(
            project_id=",".join(f"{name}/{info.project_id}" for name, info in sorted(infos.items())),
            project_title=" + ".join(dict.fromkeys(info.project_title for info in infos.values())),
            is_longitudinal=any(info.is_longitudinal for info in infos.values()),
            has_repeating_instruments_or_events=any(
                info.has_repeating_instruments_or_events for info in infos.values()
            ),
            missing_data_codes=" | ".join(f"{code}, {label}" for code, label in codes.items()),
        ),
        dictionary=dictionary,
        instruments=_first_by(lambda entry: entry.instrument_name, (setup.instruments for setup in setups.values())),
        export_names=_merged_names(setups),
        repeating=_merged_repeats(exports),
        form_events=_union(setup.form_events for setup in setups.values()),
        groups=tuple(
            DataAccessGroup(unique_group_name=group)
            for name, export in exports.items()
            for group in sorted(_groups(name, export))
        ),
    )


def _merged_codes(exports: Mapping[str, ProjectExport]) -> dict[str, str]:
    """Missing-data codes, the same in all: what is missing in one project must be no value in another.

    An export file lists none, so its silence contradicts nobody.
    """
    known = {
        name: export.setup.info.missing_codes
        for name, export in exports.items()
        if export.source_kind != "files" or export.setup.info.missing_codes
    }
    first = next(iter(known), "")
    for name, codes in known.items():
        odd = sorted(code for code, _ in codes.items() ^ known[first].items())
        if odd:
            raise _differ(f"missing-data code {odd[0]!r} of {first} and {name} is not the same")
    return dict(known.get(first, {}))


def _groups(name: str, export: ProjectExport) -> set[str]:
    known = {group.unique_group_name for group in export.setup.groups or ()} | {*export.census.groups.values()} - {""}
    return {qualified(name, group) for group in known} or {name}


def _merged_names(setups: Mapping[str, ProjectSetup]) -> tuple[ExportName, ...]:
    return _first_by(lambda entry: entry.export_field_name, (setup.export_names for setup in setups.values()))


def _merged_repeats(exports: Mapping[str, ProjectExport]) -> tuple[RepeatingForm, ...]:
    """What repeats; an instrument that two projects have must repeat in both or in none.

    An export file shows repeating only where an instance exists, so its silence contradicts nobody.
    """
    keys = {
        name: {(entry.event_name, entry.form_name) for entry in export.setup.repeating}
        for name, export in exports.items()
        if export.source_kind != "files"
    }
    for name, found in keys.items():
        for other, theirs in keys.items():
            shared = {*exports[name].setup.forms} & {*exports[other].setup.forms} | {""}
            odd = sorted((event, form) for event, form in found ^ theirs if form in shared)
            if odd:
                raise _differ(f"{odd[0][1] or odd[0][0]!r} repeats in one of {name} and {other} only")
    return _first_by(
        lambda entry: (entry.event_name, entry.form_name), (export.setup.repeating for export in exports.values())
    )


def _first_by(key: Callable[[_Entry], object], groups: Iterable[Sequence[_Entry]]) -> tuple[_Entry, ...]:
    """Entries of all groups, the first of each key, in order."""
    found: dict[object, _Entry] = {}
    for group in groups:
        for entry in group:
            found.setdefault(key(entry), entry)
    return tuple(found.values())


def _union(groups: Iterable[Sequence[FormEvent]]) -> tuple[FormEvent, ...]:
    return _first_by(lambda entry: (entry.unique_event_name, entry.form), groups)
