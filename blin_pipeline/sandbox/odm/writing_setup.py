"""The settings of a project XML: what stands in ``GlobalVariables``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from blin_pipeline.sandbox.odm.markup import Attributes, element, empty
from blin_pipeline.sandbox.odm.vocabulary import ROLE_FLAGS, SETTINGS
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.rights import Role

_FIRST_EVENT = "event_1_arm_1"
_ORDERS = 3


def variable_lines(project: ProjectState) -> Iterator[str]:
    """Lines of ``GlobalVariables`` without its own tags."""
    description = f'This file contains the metadata, events, and data for REDCap project "{project.title}".'
    yield "\t" + element("StudyName", project.title)
    yield "\t" + element("StudyDescription", description)
    yield "\t" + element("ProtocolName", project.title)
    for tag, key in SETTINGS.items():
        yield "\t" + element(f"redcap:{tag}", str(project.settings[key]))
    codes = "\n".join(f"{code}, {label}" for code, label in project.missing_data_codes.items())
    yield "\t" + element("redcap:MissingDataCodes", codes)
    names = [empty("redcap:DataAccessGroups", {"group_name": group.label}) for group in project.groups]
    yield from _block("DataAccessGroupsGroup", names)
    surveys = [empty("redcap:Surveys", _survey(project, form)) for form in project.survey_forms]
    yield from _block("SurveysGroup", surveys)
    yield from _repeating_lines(project)
    yield from _block(
        "UserRolesGroup", [empty("redcap:UserRoles", _role(project, role)) for role in project.roles.values()]
    )
    reports = sorted(project.reports.values(), key=lambda report: report.report_id)
    lines = [empty("redcap:Reports", _report(number, report)) for number, report in enumerate(reports, start=1)]
    yield from _block("ReportsGroup", lines)


def _block(name: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"\t<redcap:{name}>"
        yield from (f"\t\t{line}" for line in lines)
        yield f"\t</redcap:{name}>"


def _survey(project: ProjectState, form: str) -> Attributes:
    return {"form_name": form, "title": project.instrument_label(form), "survey_enabled": 1}


def _repeating_lines(project: ProjectState) -> Iterator[str]:
    """What repeats, event by event; in a classic project the event is the one that is not shown."""
    if not project.active_repeats:
        return
    yield "\t<redcap:RepeatingInstrumentsAndEvents>"
    for event, repeats in groupby(project.active_repeats, key=lambda item: item.event):
        instruments = [item for item in repeats if item.form]
        if not instruments:
            yield "\t\t" + empty("redcap:RepeatingEvent", {"redcap:UniqueEventName": event})
            continue
        yield "\t\t<redcap:RepeatingInstruments>"
        for item in instruments:
            attributes = {
                "redcap:UniqueEventName": event or _FIRST_EVENT,
                "redcap:RepeatInstrument": item.form,
                "redcap:CustomLabel": item.label,
            }
            yield "\t\t\t" + empty("redcap:RepeatingInstrument", attributes)
        yield "\t\t</redcap:RepeatingInstruments>"
    yield "\t</redcap:RepeatingInstrumentsAndEvents>"


def _role(project: ProjectState, role: Role) -> Attributes:
    rights, forms = role.privileges, project.dictionary.forms
    return {
        "role_name": role.label,
        "unique_role_name": role.unique_name,
        **{attribute: getattr(rights, flag) for attribute, flag in ROLE_FLAGS.items()},
        "data_export_instruments": "".join(f"[{form},{int(rights.on_form(form))}]" for form in forms),
        "data_entry": "".join(f"[{form},{int(rights.entry_on_form(form))}]" for form in forms),
    }


def _report(number: int, report: Report) -> Attributes:
    order = [*report.order_by, *[("", "")] * _ORDERS][:_ORDERS]
    attributes: dict[str, str | int] = {
        "title": report.title,
        "unique_report_name": report.unique_name,
        "report_order": number,
        "description": report.description,
        "combine_checkbox_values": int(report.combines_checkboxes),
        "output_dags": int(report.outputs_groups),
        "output_survey_fields": int(report.outputs_survey_fields),
        "output_missing_data_codes": int(report.outputs_missing_data_codes),
        "remove_line_breaks_in_values": int(report.removes_line_breaks),
        "advanced_logic": report.advanced_logic,
        "filter_type": report.filter_type,
        "report_display_include_repeating_fields": int(report.includes_repeating_fields),
        "redcap_reports_fields": ",".join(report.fields),
        "redcap_reports_filter_dags": ",".join(report.filter_groups),
        "redcap_reports_filter_events": ",".join(report.filter_events),
    }
    for position, (name, way) in enumerate(order, start=1):
        attributes |= {f"orderby_field{position}": name, f"orderby_sort{position}": way}
    return attributes
