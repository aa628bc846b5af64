"""Version, project information and project settings. Source: ``docs/redcap.md`` section 3."""

from __future__ import annotations

from collections.abc import Mapping

from blin_pipeline.sandbox.contents.call import Answer, Call, count, text
from blin_pipeline.sandbox.contents.payload import one_object
from blin_pipeline.sandbox.formats import CONTENT_TYPES, Cell, object_bytes
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError
from blin_pipeline.sandbox.relocation import switch_longitudinal
from blin_pipeline.sandbox.setup import PROJECT_INFO

_STAMP = "%Y-%m-%d %H:%M:%S"
#: Settings that ``content=project_settings`` may change.
EDITABLE = frozenset(PROJECT_INFO) - {
    "project_id",
    "creation_time",
    "production_time",
    "in_production",
    "has_repeating_instruments_or_events",
    "ddp_enabled",
    "missing_data_codes",
    "external_modules",
}
_LATER_THAN_9_1 = ("project_pi_email", "missing_data_codes", "external_modules", "bypass_branching_erase_field_prompt")


def version(call: Call) -> Answer:
    """The server's version, bare."""
    return text(call.settings.version)


def project_info(call: Call) -> Answer:
    """One object with every fact about the project."""
    project = call.project
    codes = " | ".join(f"{code}, {label}" for code, label in project.missing_data_codes.items())
    values: dict[str, Cell] = {
        **project.settings,
        "project_id": project.project_id,
        "creation_time": project.created.strftime(_STAMP),
        "is_longitudinal": int(project.is_longitudinal),
        "has_repeating_instruments_or_events": int(bool(project.active_repeats)),
        "missing_data_codes": codes,
    }
    shown = {key: values[key] for key in _keys(call)}
    wanted = call.request.answer_format
    return Answer(object_bytes(wanted, shown, delimiter=call.request.delimiter), CONTENT_TYPES[wanted])


def _keys(call: Call) -> list[str]:
    """Keys in the order of the server's version."""
    if call.settings.project_info_keys == 23:
        last = "has_repeating_instruments_or_events"
        return [*(key for key in PROJECT_INFO if key not in {*_LATER_THAN_9_1, last}), last]
    return [key for key in PROJECT_INFO if key != "project_pi_email" or call.settings.shows_pi_email]


def import_settings(call: Call) -> Answer:
    """Change settings; the answer is how many were given and may be changed."""
    given = {key: value for key, value in one_object(call.request).items() if key in EDITABLE}
    changed = apply_settings(call.project, given)
    call.log_change("Update project settings (API)")
    return count(call, changed)


def apply_settings(project: ProjectState, given: Mapping[str, str]) -> int:
    """Put settings in place.

    Returns:
        How many were given.

    Raises:
        ApiError: 400, a flag that is no number.
    """
    values: dict[str, Cell] = {}
    for key, value in given.items():
        if isinstance(PROJECT_INFO[key], int):
            if not value.isdigit():
                raise ApiError(400, f'The value of "{key}" is not valid')
            values[key] = int(value)
        else:
            values[key] = value
    project.settings.update(values)
    if "is_longitudinal" in values:
        switch_longitudinal(project, bool(values["is_longitudinal"]))
    return len(values)
